# C without comments and without the contents of string and character literals, line by line
{
	out = ""
	n = length($0)
	literal = ""
	for (i = 1; i <= n; i++) {
		c = substr($0, i, 1)
		two = substr($0, i, 2)
		if (comment) {
			if (two == "*/") {
				comment = 0
				i++
			}
		} else if (literal != "") {
			if (c == "\\")
				i++
			else if (c == literal) {
				out = out c
				literal = ""
			}
		} else if (two == "/*") {
			comment = 1
			i++
		} else if (two == "//") {
			break
		} else {
			if (c == "\"" || c == "'")
				literal = c
			out = out c
		}
	}
	print out
}
