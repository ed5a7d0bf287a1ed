/* XEP-0199, and the session request of RFC 3921: both are answered by an empty result. */
#include "answers.h"

void
ping_answer(const struct iq *iq)
{
	iq_result(iq, (struct str){0});
}

void
legacy_session_set(const struct iq *iq)
{
	iq_result(iq, (struct str){0});
}
