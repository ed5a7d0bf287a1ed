/* jackdawctl: the operator's command. See README.md; the commands stand in commands.c. */
#include "ctl.h"

int
main(int argc, char **argv)
{
	return ctl_main(argc, argv);
}
