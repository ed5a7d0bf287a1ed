/* What clients are told in words: in English in the code, in the language of their stream where it is one of these, else in the
 * default one (RFC 6120 §4.7.4). test/check/texts looks for what has not been translated. */
#pragma once

#include "base/str.h"

enum lang {
	LANG_EN,
	LANG_DE,
	LANG_FR,
	LANG_COUNT,
};

/* The language of a tag, by the lookup of RFC 4647 §3.4 ("de-CH" is de). */
enum lang texts_lang(struct str tag, enum lang otherwise);
const char *texts_tag(enum lang l);
/* The text itself where there is no translation. */
const char *texts_in(enum lang l, const char *english);
