"""The messages of ticketing-tokens: the record of each named token, keyed by its id."""

from __future__ import annotations

import msgspec

from ticketing.domain.access.tokens import Token

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Token)


def encode_token(token: Token) -> bytes:
    """The value of a message, whose key is the token's id."""
    return _encoder.encode(token)


def decode_token(value: bytes) -> Token:
    """The reverse of encode_token; raises msgspec.DecodeError or ValidationError."""
    return _decoder.decode(value)
