"""The corpus: secrets and personal data by kind, each with texts that look alike and stay."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from ticketing.domain.scrubbing.kinds import NAMES
from ticketing.domain.scrubbing.scrub import scrub

ALNUM = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V2w3X4y5Z6"
HEX = "0123456789abcdef0123456789abcdef0123"
UUID = "550e8400-e29b-41d4-a716-446655440000"


class Case(NamedTuple):
    """A kind: a text, the secret in it, and texts that look alike."""

    kind: str
    text: str
    secret: str
    alike: tuple[str, ...] = ()


# Split, so that no scanner takes them for real ones. All are made up.
CORPUS = [
    Case(
        "AWS key id",
        "using AKI" + "AIOSFODNN7EXAMPLE",
        "IOSFODNN7",
        ("AKIAFOO", "AKIA is a prefix"),
    ),
    Case("AWS session key id", "ASI" + "AIOSFODNN7EXAMPLE expired", "IOSFODNN7", ("ASIA-PACIFIC",)),
    Case(
        "AWS secret", f"aws_secret_access_key={ALNUM[:40]}", ALNUM[:40], ("aws_region=eu-west-1",)
    ),
    Case(
        "AWS signature",
        f"GET /o?X-Amz-Expires=60&X-Amz-Signature={HEX} 403",
        HEX,
        ("GET /o?X-Amz-Expires=60 403",),
    ),
    Case("GCP API key", "key AIz" + f"aSy{ALNUM[:33]}", ALNUM[:20], ("AIza is short",)),
    Case("GCP access token", "ya2" + "9.a0AfH6SMBx1234567890", "a0AfH6SMBx", ("ya29 items",)),
    Case("GCP refresh token", "got 1/" + f"/0{ALNUM[:40]}", ALNUM[:20], ("1//2 of the way",)),
    Case("GCP client secret", "GOC" + f"SPX-{ALNUM[:28]}", ALNUM[:20], ("GOCSPX is a prefix",)),
    Case(
        "GCP service account",
        '{"type": "service_account", "private_key_id": "' + HEX + '"}',
        HEX,
        ('{"type": "service_account"}',),
    ),
    Case(
        "Azure account key",
        "AccountName=a;AccountKey=Zm9vYmFyYmF6cXV4==",
        "Zm9vYmFy",
        ("AccountName=a",),
    ),
    Case(
        "Azure client secret", "secret is abc8" + f"Q~{ALNUM[:34]}", ALNUM[:30], ("8Q~ is short",)
    ),
    Case(
        "Azure SAS",
        "https://a.example/c?sv=1&sig=Abc%2Bdef123",
        "Abc%2Bdef",
        ("https://a.example/c?sv=1",),
    ),
    Case(
        "Azure DevOps token",
        "pat " + "a2b3c4d5e6f7g2h3i4j5k6l7m2n3o4p5q6r7s2t3u4v5w6x7y2z3",
        "a2b3c4d5",
    ),
    Case("GitHub token", "gh" + f"p_{ALNUM[:36]}", ALNUM[:20], ("ghp_short", "github.com/a/b")),
    Case("GitHub app token", "gh" + f"s_{ALNUM[:36]}", ALNUM[:20], ("ghs_x",)),
    Case("GitHub fine-grained token", "github" + f"_pat_{ALNUM}", ALNUM[:20], ("github_pattern",)),
    Case("GitLab token", "gl" + f"pat-{ALNUM[:20]}", ALNUM[:20], ("glpat-short",)),
    Case("GitLab runner token", "GR" + f"1348941{ALNUM[:20]}", ALNUM[:20], ("GR1348941",)),
    Case(
        "Slack bot token", "xox" + "b-123456789012-AbCdEfGhIjKl", "AbCdEf", ("xoxb- is a prefix",)
    ),
    Case(
        "Slack app token", "xap" + "p-1-A012345678-1234567890", "A012345678", ("xapp is a prefix",)
    ),
    Case(
        "Slack webhook",
        "https://hooks.slack.com/services/T0/B0/XXXX",
        "B0/XXXX",
        ("https://slack.com/help",),
    ),
    Case(
        "Discord webhook",
        "https://discord.com/api/webhooks/1/abc-def",
        "abc-def",
        ("https://discord.com/x",),
    ),
    Case(
        "Discord bot token",
        "MTA" + "1234567890123456789012.Gabcde.abcdefghijklmnopqrstuvwxyz0",
        "abcdefghijklmnopqrstuvwxyz0",
        ("Main.module.method",),
    ),
    Case(
        "Teams webhook",
        "https://corp.webhook.office.com/webhookb2/x@y",
        "webhookb2",
        ("https://office.com/x",),
    ),
    Case(
        "Telegram webhook",
        "https://api.telegram.org/bot12:AAx/send",
        "12:AAx",
        ("https://telegram.org",),
    ),
    Case("Telegram token", "1234567890:AA" + ALNUM[:33], ALNUM[:20], ("1234567890:AAA",)),
    Case("Stripe key", "sk" + f"_live_{ALNUM[:24]}", ALNUM[:20], ("sk_live_x", "task_live_view")),
    Case("Stripe restricted key", "rk" + f"_test_{ALNUM[:24]}", ALNUM[:20], ("work_test_1",)),
    Case("Stripe webhook secret", "whs" + f"ec_{ALNUM[:32]}", ALNUM[:20], ("whsec_x",)),
    Case(
        "OpenAI key",
        "sk" + f"-proj-{ALNUM[:30]}",
        ALNUM[:20],
        ("sk-short", "task-runner-of-the-batch"),
    ),
    Case(
        "Anthropic key", "sk" + f"-ant-api03-{ALNUM[:30]}", ALNUM[:20], ("ask-anthropic-why-it-is",)
    ),
    Case("Hugging Face token", "hf" + f"_{ALNUM[:34]}", ALNUM[:20], ("hf_hub_download",)),
    Case("SendGrid key", "SG" + f".{ALNUM[:22]}.{ALNUM[:43]}", ALNUM[:43], ("SG.x.y",)),
    Case("Mailgun key", "key" + f"-{HEX[:32]}", HEX[:32], ("key-value",)),
    Case("Mailchimp key", f"{HEX[:32]}" + "-us12", HEX[:32], (f"{HEX[:32]} in us12",)),
    Case("npm token", "np" + f"m_{ALNUM[:36]}", ALNUM[:20], ("npm_config_registry",)),
    Case("PyPI token", "pyp" + f"i-{ALNUM}", ALNUM[:20], ("pypi-publish",)),
    Case("RubyGems token", "ruby" + f"gems_{ALNUM[:48]}", ALNUM[:20], ("rubygems_update",)),
    Case("Docker token", "dckr" + f"_pat_{ALNUM[:27]}", ALNUM[:20], ("dckr_pat_x",)),
    Case("DigitalOcean token", "dop" + f"_v1_{HEX}", HEX, ("dop_v1_x",)),
    Case("Shopify token", "shp" + f"at_{HEX[:32]}", HEX[:20], ("shpat_x",)),
    Case("Grafana token", "glsa" + f"_{ALNUM[:32]}_12345678", ALNUM[:20], ("glsa_x",)),
    Case("Sentry token", "sntrys" + f"_{ALNUM[:40]}", ALNUM[:20], ("sntrys_x",)),
    Case(
        "Sentry DSN",
        f"https://{HEX[:32]}@o1.ingest.sentry.io/1",
        HEX[:32],
        ("https://sentry.io/1",),
    ),
    Case("Figma token", "fig" + f"d_{ALNUM[:40]}", ALNUM[:20], ("figd_x",)),
    Case("Linear key", "lin" + f"_api_{ALNUM[:40]}", ALNUM[:20], ("lin_api_x",)),
    Case("Doppler token", "dp" + f".pt.{ALNUM[:40]}", ALNUM[:20], ("dp.pt.x",)),
    Case("Databricks token", "dap" + f"i{HEX[:32]}", HEX[:32], ("dapi0123",)),
    Case("New Relic key", "NRA" + "K-ABCDEFGHIJKLMNOPQRSTUVWXYZ1", "ABCDEFGHIJ", ("NRAK-1",)),
    Case("Postman key", "PMA" + f"K-{HEX[:24]}-{HEX[:34]}", HEX[:34], ("PMAK-1",)),
    Case("Square token", "sq" + f"0atp-{ALNUM[:22]}", ALNUM[:20], ("sq0atp-1",)),
    Case("Artifactory key", "AK" + f"Cp{ALNUM[:30]}", ALNUM[:20], ("AKCp1",)),
    Case("Atlassian token", "ATA" + f"TT3{ALNUM[:40]}", ALNUM[:20], ("ATATT",)),
    Case("Vault token", "hv" + f"s.{ALNUM[:24]}", ALNUM[:20], ("hvs.x", "s.o.s")),
    Case("Twilio key", "S" + f"K{HEX[:32]}", HEX[:32], ("SK123",)),
    Case("own API token", "tk" + f"a_{ALNUM[:30]}", ALNUM[:20], ("tka_x",)),
    Case(
        "JWT",
        "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3",
        "dozjgNryP4J3",
        ("eyJ is how one begins",),
    ),
    Case("JWE", "eyJ" + "hbGciOiJSU0EifQ.OKOawDo13.48V1_ALb6.5eym8TW_c8.XFBoMYUZod", "XFBoMYUZod"),
    Case(
        "PEM key",
        "-----BEGIN EC PRIVATE KEY-----\nMHcCAQ\n-----END EC PRIVATE KEY-----",
        "MHcCAQ",
        ("-----BEGIN CERTIFICATE-----\nMIIB",),
    ),
    Case(
        "PEM key in one line",
        "'-----BEGIN PRIVATE KEY-----\\nMIIEv\\n-----END PRIVATE KEY-----\\n'",
        "MIIEv",
    ),
    Case("PEM key, cut", "-----BEGIN RSA PRIVATE KEY-----\nMIIEow…", "MIIEow"),
    Case(
        "PuTTY key",
        "PuTTY-User-Key-File-3: ssh-rsa\nPrivate-Lines: 1\nAAAB3\nPrivate-MAC: 0a1b",
        "AAAB3",
    ),
    Case("age key", "AGE-SECRET" + "-KEY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS", "QQQSYQCYQ5RQ"),
    Case(
        "bearer token",
        "sent Bearer 0a1b2c3d4e5f6a7b",
        "0a1b2c3d4e5f6a7b",
        ("bearer authentication is needed",),
    ),
    Case(
        "basic header",
        "Authorization: Basic dXNlcjpwYXNz",
        "dXNlcjpwYXNz",
        ("Basic authentication is off",),
    ),
    Case("OpsGenie header", f"Authorization: GenieKey {UUID}", UUID, (f"request {UUID}",)),
    Case(
        "digest header",
        'Authorization: Digest username="bob", response="6629fae49393"',
        "6629fae49393",
        ("Digest mismatch of the layer",),
    ),
    Case(
        "AWS header",
        f"authorization: AWS4-HMAC-SHA256 Credential=AKIAX/s3, SignedHeaders=host, Signature={HEX}",
        HEX,
    ),
    Case(
        "cookie",
        "Cookie: theme=dark; sid=abc123",
        "abc123",
        ("Cookie: none", "cookies are disabled"),
    ),
    Case(
        "URL credentials", "postgres://app:hunter2@db/shop", "hunter2", ("postgres://db:5432/shop",)
    ),
    Case(
        "URL credentials with a slash",
        "redis://:hun/ter2@cache:6379",
        "ter2",
        ("http://h:80/a?m=1",),
    ),
    Case("URL credentials with an @", "amqp://u:p@ss2@rabbit/", "ss2", ("https://h/@user",)),
    Case(
        "URL user only",
        f"https://{ALNUM[:24]}@git.example/r",
        ALNUM[:24],
        ("ssh://git@git.example/r",),
    ),
    Case("DSN of Go", "root:hunter2@tcp(db:3306)/shop", "hunter2", ("tcp(db:3306)",)),
    Case("DSN of Oracle", "scott/tiger9@//db:1521/xe", "tiger9", ("a/b//c",)),
    Case(
        "user and password at a host",
        "bob:hunter2@db.example:5432",
        "hunter2",
        ("db.example:5432",),
    ),
    Case(
        "connection string",
        "Server=db;User Id=sa;Password=Tr0ub4dor&3;",
        "dor&3",
        ("Server=db;User Id=sa;",),
    ),
    Case("curl's user", "curl -s -u bob:hunter2 https://h/", "hunter2", ("curl -s https://h/",)),
    Case("flag", "mysql --password=topsecret -u root", "topsecret", ("tool --token-file /run/t",)),
    Case(
        "flag and value",
        "run tool --api-key abc123def",
        "abc123def",
        ("tool --password --verbose",),
    ),
    Case("quoted flag", 'run tool --password "open sesame"', "sesame", ("tool --open sesame",)),
    Case("sshpass", "sshpass -p hunter2 ssh h", "hunter2", ("ssh -p 22 h",)),
    Case(
        "SQL identified by",
        "CREATE USER a IDENTIFIED BY 'pw123'",
        "pw123",
        ("identified by its name",),
    ),
    Case(
        "SQL password",
        "ALTER ROLE a WITH PASSWORD 'pw123'",
        "pw123",
        ("SELECT password FROM users",),
    ),
    Case("password in prose", "the password is hunter2!", "hunter2", ("the password is required",)),
    Case(
        "bcrypt hash",
        "$2b$" + "12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
        "R9h/cIPz0gi",
    ),
    Case(
        "crypt hash",
        "$6$" + "rounds=5000$usesomesillystri$D4IrlXQwVfG",
        "D4IrlXQwVfG",
        ("cost $5 or $6",),
    ),
    Case(
        "email",
        "mail to jane.doe+shop@example.co.uk",
        "jane.doe",
        ("getty@tty1.service", "lodash@4.17.21"),
    ),
    Case("email in a URL", "/u?mail=jane%40example.com&x=1", "jane", ("/u?x=%40",)),
    Case(
        "IPv4",
        "from 203.0.113.9:443",
        "203.0.113.9",
        ("127.0.0.1:443", "version 1.2.3.4", "v1.2.3.4"),
    ),
    Case("IPv6", "peer 2001:db8:85a3::8a2e:370:7334", "8a2e", ("::1", "a::b", "12:30:45")),
    Case("host of an IP", "ip-10-1-2-3.ec2.internal", "10-1-2-3", ("ip-lookup-1",)),
    Case(
        "MAC",
        "lease of 00:1A:2B:3C:4D:5E",
        "3C:4D",
        ("00:1A:2B:3C:4D:5E:6F:70:81:92 digest", "12:30:45"),
    ),
    Case(
        "Visa",
        "card 4111 1111 1111 1111",
        "1111 1111",
        ("order 4111111111111112", "id 1234567890123"),
    ),
    Case("Mastercard", "pan=5500-0000-0000-0004", "0000-0004", ("5500-0000-0000-0005",)),
    Case("Amex", "amex 378282246310005", "378282246310005", ("at 1700000000123",)),
    Case("IBAN", "iban DE89 3704 0044 0532 0130 00", "0532", ("DE89 3704 0044 0532 0130 01",)),
    Case(
        "SSN", "ssn 078-05-1120", "078-05-1120", ("000-05-1120", "2024-01-31", "pod 078-05-1120-x")
    ),
    Case("phone", "call +1 (415) 555-2671", "555-2671", ("+5 ms", "UTC+02:00", "a+1 2 3")),
    Case("phone by its key", "phone=0170 1234567", "1234567", ("phone line down",)),
    Case("card's code", "cvv: 123", "123", ("cvv: missing",)),
    Case("date of birth", '{"dateOfBirth": "1980-01-31"}', "1980", ('{"date": "1980-01-31"}',)),
    Case(
        "long random word",
        "blob Zk9qP3rT7vXy2bNc5mLk8jHg4fDs1aQw",
        "Zk9qP3rT7v",
        (f"{HEX}{HEX}", UUID),
    ),
]

STAY = [
    f"commit {HEX}0123 of build 1.2.3-rc.4+20240131",
    f"order 1234567890123 of customer {UUID}",
    "SELECT id, password FROM users WHERE token = ? AND email LIKE '%'",
    "UPDATE users SET password = ? WHERE id = 42",
    "at com.example.auth.TokenService.verify(TokenService.java:88)",
    'File "/app/auth/tokens.py", line 12, in read_token',
    "org.postgresql.util.PSQLException: FATAL: password authentication failed for user app",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 not found",
    "password={password} token=${TOKEN} secret=%s key=<key>",
    "JSON parse error: Unexpected token: expected a string",
    "java.lang.NullPointerException: Cannot invoke String.length() because token is null",
    "max_tokens: 4096, tokens: 512, token_count=77",
    "timed out after 30000ms (attempt 3/5), p99=1.2s, 98.7% of 4096MB",
    "GET /api/v2/tokens/42?limit=10&page=2 HTTP/1.1 503",
    "secretName: missing in Secret shop/db-credentials",
    "kubelet: MountVolume.SetUp failed for volume kube-api-access-x2x9z",
]


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.kind)
def test_the_secret_goes_and_the_text_around_it_stays(case: Case) -> None:
    assert case.secret in case.text
    shown = scrub(case.text)
    assert case.secret not in shown
    assert re.search(r"\[[a-z ]{2,20}\]", shown)
    assert scrub(shown) == shown


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.kind)
def test_the_secret_goes_wherever_it_stands(case: Case) -> None:
    for around in (
        "{}",
        "a line before\n{}\nand one behind",
        "said: {} (again: {})",
        "ünï {} … ende",
    ):
        assert case.secret not in scrub(around.replace("{}", case.text))


@pytest.mark.parametrize(
    "text", [*(text for case in CORPUS for text in case.alike), *STAY], ids=lambda text: text[:40]
)
def test_what_only_looks_alike_stays(text: str) -> None:
    assert scrub(text) == text


def test_the_corpus_has_sixty_kinds() -> None:
    assert len({case.kind for case in CORPUS}) >= 60


@pytest.mark.parametrize("name", sorted(NAMES - {"private ip", "secret"}))
def test_a_kind_that_is_to_stay_stays(name: str) -> None:
    gone = [case.text for case in CORPUS if f"[{name}]" in scrub(case.text)]
    assert gone, "no text of the corpus has this kind"
    assert not any(f"[{name}]" in scrub(text, {name}) for text in gone)


def test_addresses_of_ones_own_network_may_stay() -> None:
    text = "10.1.2.3 called 203.0.113.9, fd00::1 and ip-10-1-2-3"
    assert scrub(text, {"private ip"}) == "10.1.2.3 called [ip], fd00::1 and ip-10-1-2-3"


@pytest.mark.parametrize(
    # Half an address without its @ is a name, as any other word of a sentence.
    "case",
    [case for case in CORPUS if case.kind != "email"],
    ids=lambda case: case.kind,
)
def test_half_a_secret_goes_wherever_a_cut_has_left_it(case: Case) -> None:
    begin = case.text.index(case.secret)
    for length in range(4, len(case.secret)):
        half = case.secret[:length].rstrip()
        shown = scrub(f"{case.text[: begin + length].rstrip()}…")
        assert half not in shown.replace("[webhook]", "")


@pytest.mark.parametrize(
    "text",
    [
        "payment gateway timed o…",
        "java.lang.NullPointerExc…",
        "cannot open /var/lib/app/dat…",
        "… and 3 earlier steps",
        "Loading…",
        "größere Übersi…",
    ],
)
def test_a_plain_word_that_was_cut_stays(text: str) -> None:
    assert scrub(text) == text
