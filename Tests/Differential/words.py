"""Names, strings and numbers that break things, and how they are written."""

NAMES = ["a", "b", "name", "level", "owner", "tags", "x1", "_u", "isOk", "type", "id", "like_", "__odd"]
# They cannot stand after a point.
ODD_NAMES = ["", "a b", "in", "if", "has", "true", "é", "e\u0301", "🦀", "a.b", "\\", '"', "\0", "__cedar", "principal"]
STRINGS = [
    "", "a", "b", "ab", "aba", "a*b", "*", "**", "\\", "\\*", '"', "'", "é", "e\u0301", "🦀", "\u200b", "\n", "\0", "\x7f",
    "İ", "ß", "alice", "A::B", 'User::"a"', "\ufeff", "\U0010ffff", "\ufffe", "a" * 40, "1", "-1", "\u202e", "\u2028", "\r\n", "%", "?principal",
]  # fmt: skip
IDS = ["a", "b", "c", "alice", "", "é", "e\u0301", 'q"q', "\\", "a b", "\0", "🦀", "*", "\n"]
LONGS = [0, 1, -1, 2, 3, 7, 10, 100, 2**31, 2**32, 2**53, 2**62, 2**63 - 1, -(2**63), -(2**63) + 1, 3037000500]
DECIMALS = ["0.0", "1.0", "-1.0", "12.34", "0.1234", "-0.0001", "922337203685477.5807", "-922337203685477.5808", "00.10"]
BAD_DECIMALS = [
    "1", "1.", ".1", "1.12345", "922337203685477.5808", "-922337203685477.5809", "+1.0", "1.0 ", "", "a", "1.0e1", "--1.0",
    "1.-1", "-.1", "١.٠", "- 1.0", "99999999999999999999.0", "0.00000",
]  # fmt: skip
IPS = [
    "127.0.0.1", "10.0.0.0/8", "10.1.2.3", "0.0.0.0/0", "255.255.255.255", "192.168.0.1/32", "224.0.0.1", "::1", "::",
    "ff00::/8", "fe80::1", "2001:db8::/32", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4"[:2] + "5", "224.0.0.0/4", "224.0.0.0/3",
    "127.0.0.0/8", "127.0.0.0/7", "::1/128", "::/0", "1::8", "ABCD::ef01", "10.0.0.1/0",
]  # fmt: skip
BAD_IPS = [
    "", "127.0.0.256", "127.0.0.01", "127.0.0", "127.0.0.1/33", "127.0.0.1/032", "127.0.0.1/", "::1/129", "::1/001", ":::1",
    "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "::ffff:127.0.0.1", "127.0.0.1 ", "12345::", "g::", "a", "/8", "1.2.3.4/+8",
    "::1%eth0", "127.0.0.1/8/8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4::5:6:7:8", "0.0.0.0/00", "[::1]", "1.2.3.4/ 8",
]  # fmt: skip
DATETIMES = [
    "1970-01-01", "2024-02-29", "2024-01-31T12:34:56Z", "2024-01-31T12:34:56.789Z", "2024-01-31T12:34:56+0130",
    "2024-01-31T12:34:56.001-2359", "0000-01-01", "9999-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z", "0000-01-01T00:00:00+2359",
    "2000-02-29", "1600-03-01T00:00:00.000-0000",
]  # fmt: skip
BAD_DATETIMES = [
    "", "2023-02-29", "1900-02-29", "2024-13-01", "2024-00-10", "2024-01-32", "2024-1-1", "2024-01-01T", "2024-01-01T00:00Z",
    "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z", "2024-01-01T00:00:60Z", "2024-01-01T00:00:00", "2024-01-01T00:00:00.1Z",
    "2024-01-01T00:00:00+24:00", "2024-01-01T00:00:00+2400", "2024-01-01T00:00:00+0060", "2024-01-01Z", "2024-01-01T00:00:00z",
    "2024-01-01T00:00:00.1234Z", "+2024-01-01", "-001-01-01", "12024-01-01", "2024-01-01 ", " 2024-01-01", "2024-04-31",
    "2024-01-01T00:00:00Z+0100", "٢٠٢٤-01-01", "2024-01-01T00:00:00.000", "2024-01-01t00:00:00Z", "2024-01-01T00:00:00-00:00",
]  # fmt: skip
DURATIONS = [
    "0ms", "1d", "-1d", "1d2h3m4s5ms", "5h", "-5m", "1ms", "9223372036854775807ms", "-9223372036854775808ms", "106751991167d",
    "1d1ms", "007s", "-0ms", "1h1s", "36h",
]  # fmt: skip
BAD_DURATIONS = [
    "", "d", "1", "1ms1s", "1s1m", "1d1d", "1.5h", "+1d", "--1d", "1D", "1 d", "9223372036854775808ms", "-9223372036854775809ms",
    "106751991168d", "-", "1h-1m", "1w", "1d ", "99999999999999999999d", "-106751991168d", "1m1h", "1msec", "١d",
]  # fmt: skip
LITERALS = {
    "decimal": (DECIMALS, BAD_DECIMALS),
    "ipaddr": (IPS, BAD_IPS),
    "datetime": (DATETIMES, BAD_DATETIMES),
    "duration": (DURATIONS, BAD_DURATIONS),
}
CONSTRUCTORS = {"decimal": "decimal", "ipaddr": "ip", "datetime": "datetime", "duration": "duration"}

RESERVED = {"true", "false", "if", "then", "else", "in", "is", "like", "has", "__cedar"}


def is_identifier(text):
    return (
        text != ""
        and all(c == "_" or (c.isascii() and c.isalnum()) for c in text)
        and not text[0].isdigit()
        and text not in RESERVED
    )


def quoted(rng, text, pattern=False):
    """A string literal, its characters escaped in one of the ways that there are.

    In a pattern, the character `*` is written as `\\*`; a wildcard is the character U+E000 here.
    """
    written = []
    for character in text:
        code = ord(character)
        if pattern and character == "\ue000":
            written.append("*")
        elif pattern and character == "*":
            written.append("\\*")
        elif character == '"':
            written.append('\\"')
        elif character == "\\":
            written.append("\\\\")
        elif character in "\n\r\t\0" and rng.random() < 0.7:
            written.append({"\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}[character])
        elif character == "'" and rng.random() < 0.3:
            written.append("\\'")
        elif rng.random() < 0.06:
            written.append(f"\\u{{{code:x}}}")
        elif rng.random() < 0.04:
            written.append(f"\\u{{{code:06X}}}")
        elif code < 0x80 and rng.random() < 0.04:
            written.append(f"\\x{code:02x}")
        else:
            written.append(character)
    return '"' + "".join(written) + '"'


def literal(rng, kind, valid=0.93):
    """The text of an extension value, now and then one that is none."""
    good, bad = LITERALS[kind]
    if rng.random() < valid:
        return rng.choice(good)
    text = rng.choice(bad if rng.random() < 0.7 else good)
    return mangled(rng, text) if rng.random() < 0.4 else text


def mangled(rng, text):
    """The text with a character lost, doubled, swapped or added."""
    if not text:
        return rng.choice("a0-. ")
    place = rng.randrange(len(text))
    match rng.randrange(4):
        case 0:
            return text[:place] + text[place + 1 :]
        case 1:
            return text[:place] + text[place] + text[place:]
        case 2:
            return text[:place] + rng.choice("0123456789.:-+/TZdhms ") + text[place + 1 :]
        case _:
            return text[:place] + rng.choice("0123456789.:-+/TZdhms \0") + text[place:]


def string(rng):
    if rng.random() < 0.8:
        return rng.choice(STRINGS)
    return "".join(rng.choice(STRINGS) for _ in range(rng.randrange(4)))


def name(rng):
    return rng.choice(NAMES) if rng.random() < 0.9 else rng.choice(ODD_NAMES)


def long(rng):
    return rng.choice(LONGS) if rng.random() < 0.5 else rng.randrange(-20, 20)
