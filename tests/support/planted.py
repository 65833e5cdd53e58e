"""Made-up secrets and personal data to plant in records and settings, and to search for."""

from __future__ import annotations

# Split, so that no scanner takes them for real ones.
PLANTED = {
    "aws": "AKI" + "APLANTED0000XYZ78",
    "github": "gh" + "p_Plant3dA1b2C3d4E5f6G7h8I9j0K1l2M3n4",
    "jwt": "eyJ" + "hbGciOiJIUzI1NiJ9.eyJwbGFudGVkIjoxfQ.PlantedSignature0123456",
    "password": "planted-Pa55word",
    "card": "4111 1111 1111 1111",
    "email": "planted.person@example.org",
    "iban": "DE89 3704 0044 0532 0130 00",
    "url": "planted-url-pass1",
}
"""Each is a secret by itself but for the passwords, which stand behind a key or in an address."""

LINE = (
    f'login failed for {PLANTED["email"]} with password="{PLANTED["password"]}" and key '
    f"{PLANTED['aws']}, {PLANTED['github']} at postgres://app:{PLANTED['url']}@db/shop, bearer "
    f"{PLANTED['jwt']}, card {PLANTED['card']}, iban {PLANTED['iban']}"
)
"""A log line with all of them."""


def leaked(text: str, chars_min: int = 8) -> list[str]:
    """The planted secrets of which the text holds at least so many characters from the beginning."""
    return [name for name, secret in PLANTED.items() if secret[:chars_min] in text]
