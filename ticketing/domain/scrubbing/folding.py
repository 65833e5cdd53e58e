"""A text with one byte for each character, in which forms of ASCII find those of other scripts.

Letters with marks, full-width characters, and letters of other alphabets that look like ours stand
for the ones of ASCII; words for passwords and tokens in other scripts for a byte of their own. The
places are the same in both texts.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

PASSWORD, TOKEN, OTHER_LETTER = "\x01", "\x02", "\xff"
"""Stand for each character of a word for a password, of one for a token, and for any letter that
looks like none of ASCII. No cleaned text holds the first two."""

_PASSWORDS = re.compile(
    "пароль|пароля|密码|密碼|口令|暗証番号|パスワード|비밀번호|암호|كلمة (?:المرور|السر)|סיסמ[הא]|"
    "κωδικ[οό]ς|पासवर्ड|รหัสผ่าน|পাসওয়ার্ড|گذرواژه|رمز عبور|գաղտնաբառ|პაროლი",
    re.IGNORECASE,
)
_TOKENS = re.compile("токен|令牌|密钥|金鑰|秘钥|トークン|토큰|секрет|ключ api", re.IGNORECASE)
_ALIKE = dict(
    zip(
        "асеорхуіјѕһԁԛԝАВСЕНІЈКМОРЅТХУαορνυιΑΒΕΖΗΙΚΜΝΟΡΤΥΧłŁøØđĐıß→⇒…",
        "aceopxyijshdqwABCEHIJKMOPSTXYaopvuiABEZHIKMNOPTYXlLoOdDis==?",
        strict=True,
    )
)
"""Letters of other alphabets that look like ASCII, letters that have no parts, and arrows."""
# The characters of a text come again and again; those of all scripts together are some 150,000.
CACHED_MAX = 8_192


def folded(text: str) -> bytes:
    """The text in Latin-1, a byte for each of its characters."""
    if text.isascii():
        return text.encode("ascii")
    text = _PASSWORDS.sub(lambda found: PASSWORD * len(found[0]), text)
    text = _TOKENS.sub(lambda found: TOKEN * len(found[0]), text)
    return "".join(map(_folded, text)).encode("latin-1")


@lru_cache(CACHED_MAX)
def _folded(char: str) -> str:
    if char.isascii():
        return char
    if char in _ALIKE:
        return _ALIKE[char]
    base = unicodedata.normalize("NFKD", char)[0]
    if base.isascii():
        return base
    if base in _ALIKE:
        return _ALIKE[base]
    if unicodedata.category(char) == "Pd":
        return "-"
    return OTHER_LETTER if char.isalpha() else "?"
