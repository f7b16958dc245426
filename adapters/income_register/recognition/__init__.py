"""Recognises what a channel has judged before, so that it need not be judged again: most
reports and headers of a payer are written alike and differ in names, amounts and dates.

**The promise.** A verdict is a function of the message (and of what the register remembers by its
rules): for any delivery and any history, verdict and findings are those of an exchange whose
caches are empty. `tests/adapters/income_register/recognition/test_any_history.py` tries it with
mutants of deliveries after histories of others. `[recognition] enabled = false` turns it off.

**What is recognised.** Two things, each from the bytes as they were sent:

- *A report* whose earner's part, each of whose transactions and whose end are in known *forms*. A
  form is the pattern of tags of a part with the codes in it; what is free (names, amounts, dates,
  identifiers) is checked value by value. Its delivery is then *abridged*: read without it.
- *A header* by a digest of its bytes, without its id, time and days, which are judged each time.

**Why that is safe.**

1. A form is admitted only from a report that the channel's own schema finds valid, and is taken for
   fine under a payer only once the rules found nothing in a report that has it there.
2. The schema has sequences alone, no keys and no references (a test says so): parts that are valid
   in one report are valid in another, in the same places. A report is put together of its earner's
   part, *one transaction or more*, and what follows them; nothing less is recognised.
3. Whatever is not plainly like that is not recognised: comments, character references, CDATA,
   attributes, other prefixes, other spaces, a value that does not match what is free.
4. Recognition finds nothing wrong. Once anything is found in what is left of an abridged delivery
   (a warning about its header apart), it is read again as it was written, *its schema is asked
   again*, and every rule looks at all of it.
5. What is recognised holds under the channel's own schema only: another one (an official package)
   judges the whole.

Nothing of a person is remembered: of an earner's part its tags and its codes, of a transaction no
amount, of a header a digest. All of it is bounded, and is forgotten when the process ends.
"""

from exchange.adapters.income_register.recognition.abridgement import Abridgement
from exchange.adapters.income_register.recognition.cache import RecognitionCache

__all__ = ["Abridgement", "RecognitionCache"]
