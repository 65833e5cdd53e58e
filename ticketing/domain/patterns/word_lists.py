"""The closed word lists with which a masked pattern tells names from values."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of a list."""
    return frozenset(text.split())


NAMES_WITH_DIGITS = words(
    """
    2d 2fa 3d 3des aarch64 aes128 aes192 aes256 amd64 arm64 armv7 armv8 b2b base32 base36 base58
    base62 base64 blake2 blake2b bcrypt2 bz2 bzip2 c10k cp1252 crc32 crc32c d3 db2 des3 e2e ec2
    ed25519 es256 es384 es512 es5 es6 exfat32 ext2 ext3 ext4 fat16 fat32 float16 float32 float64
    g1 gen2 gen3 h2 h2c h264 h265 hs256 hs384 hs512 http1 http2 http3 i18n i386 i686 ieee754
    imap4 int16 int32 int64 int8 ipv4 ipv6 iso8601 java11 java17 java8 js2 k3s k8s l10n l2
    l3 l4 l7 latin1 level3 log4j log4j2 log4net lz4 lz77 m2m md4 md5 mp3 mp4 mpeg2 mpeg4 murmur3
    neo4j nfs3 nfs4 nfsv3 nfsv4 ntp4 oauth1 oauth2 p12 p2p pbkdf2 pkcs1 pkcs11 pkcs12 pkcs7
    pkcs8 pop3 ps2 python2 python3 rc4 rfc3339 rs256 rs384 rs512 rsa2048 rsa4096 s3 s3a s3n sha1
    sha2 sha224 sha256 sha3 sha384 sha512 slf4j smb1 smb2 smb3 smbv1 smbv2 smbv3 snmpv2 snmpv3
    socks4 socks5 sqlite3 ss7 ssh1 ssh2 sslv2 sslv3 t4g tls1 tlsv1 tlsv1_1 tlsv1_2 tlsv1_3
    uint16 uint32 uint64 uint8 usb2 usb3 utf16 utf32 utf8 v4l2 w3c web2 web3 wifi6 win32 win64
    ws2 x11 x25519 x509 x64 x86 xxh3 xxh64 xxhash64 y2k z3 zfs2 boto3 urllib3 jdk8 jdk11 jdk17
    jdk21 psycopg2 psycopg3 c3p0 hbase2 netty4 jaxb2 junit4 junit5 httpclient4 httpclient5
    mdns4 amqp091
    """
)
"""Words that hold digits and are names all the same, in lower case."""

MESSAGE_KEYS = words(
    """
    msg message error err errmsg error_message errormessage error_msg errormsg reason cause
    causedby exception exc detail details description desc event level lvl severity loglevel
    code errcode error_type errortype exception_class exceptionclass failure warning fault
    """
)
"""Keys whose value says what happened: it is read as text, never masked as a whole."""

ID_KEYS = words(
    """
    user username userid login account accountid customer customerid client clientid clientip
    owner id uuid guid ref host hostname server peer node pod container instance instanceid ip
    addr remote session sessionid token path file filename dir directory folder url uri endpoint
    email address mail tenant tenantid order orderid transaction transactionid txid tx trace
    traceid span spanid request requestid req correlationid thread threadid topic queue bucket
    volume device interface port pid ppid tid uid gid sid cid rid job jobid task taskid worker
    workerid name image namespace device interface date time timestamp ts duration elapsed size
    length len count total offset partition
    """
)
"""Keys before a colon whose single following word is a value."""

NOT_VALUES = words(
    """
    a an the no not is was are were be been has have had can cannot could will would should must
    may and or but if when while for from to of in on at by with without as error errors failed
    failure fail fails timeout timed refused unreachable closed denied forbidden invalid missing
    expired rejected aborted unknown unavailable unsupported down up lost broken found exists
    already full exceeded disabled enabled started stopped connected disconnected terminated
    killed unauthorized reset created updated deleted ok success successful succeeded
    authentication authorization input output data session request response service profile
    interface agent account accounts group groups name names defined id ids login logout access
    credentials token tokens management registration registry details info information store
    context space mode process processes level lookup creation deletion update validation
    password email role roles pool table limit quota cache home thread action event exception
    code command query user users invalid illegal all any this that your its their null none
    nobody other
    """
)
"""Words that are never somebody's or something's name where a value could stand."""

FAULT_WORDS = words(
    """
    denied refused timeout timed failed failure error errors invalid missing expired rejected
    aborted unavailable unreachable closed forbidden unknown exceeded full broken lost reset found
    exists killed unauthorized down disconnected terminated cancelled canceled unsupported stuck
    exhausted interrupted overflow corrupt corrupted stale locked busy
    """
)
"""Last words of short quotations that say what went wrong."""

OUTCOME_KEYS = words(
    """
    healthy alive ok success successful succeeded passed valid available reachable ready online up
    connected authenticated authorized verified failed expired degraded writable readable
    """
)
"""Keys whose true or false is what a text tells; `ok` in JSON is a member of any answer."""

UNITS = words(
    """
    b kb mb gb tb pb kib mib gib tib k m g t byte bytes bit bits kbit mbit gbit kbps mbps gbps
    bps kbytes mbytes gbytes ns us µs μs ms s sec secs second seconds msec msecs usec usecs
    nanos micros millis millisecond milliseconds microsecond microseconds nanosecond nanoseconds
    min mins minute minutes h hr hrs hour hours d day days week weeks month months year years
    percent hz khz mhz ghz rpm rps qps fps px pt am pm
    """
)
"""Units that may follow a number after a space, in lower case."""

TOP_LEVEL_DOMAINS = words(
    """
    com net org edu gov mil io local localdomain internal intranet lan arpa xyz at au be br ca
    ch cl cn cz de dk es eu fi fr gr hk hu ie il in ir it jp kr mx my nl no nz pl pt ro ru se sg
    sk th tr tw ua uk us vn za
    """
)
"""Last labels of host names; those that are also endings of source files are left out."""

AMBIGUOUS_DOMAINS = words(
    "info biz dev app cloud ai co me tv online site tech corp home svc cluster test"
)
"""Last labels of host names that also end the names of settings: three labels are needed."""

PACKAGE_ROOTS = words(
    """
    com org net edu gov io dev java javax jakarta sun jdk kotlin scala android androidx akka
    """
)
"""First labels of packages: such a dotted name is a class, not a host."""

DATA_FILE_ENDINGS = words(
    """
    log txt csv tsv json jsonl xml yaml yml toml ini conf cfg properties lock pid sock tmp bak
    swp dat db sqlite sqlite3 bin img iso so dll exe msi jar war ear apk whl gz tgz tar zip bz2
    xz zst rar 7z png jpg jpeg gif svg ico bmp webp mp3 mp4 avi mov wav pdf doc docx xls xlsx
    ppt pptx html htm xhtml css parquet avro orc sql pem crt cer p12 jks csr dmp idx wal sst
    snap ko ttf woff woff2 plist
    """
)
"""Endings of files that are data: their bare names are masked; source files keep theirs."""

SOURCE_FILE_ENDINGS = words(
    """
    py pyx js mjs cjs jsx ts tsx vue java kt kts scala groovy clj go rs rb erb php phtml c cc cpp
    cxx h hh hpp m mm cs fs vb swift pl pm lua sh bash zsh ps1 r jl ex exs erl hrl hs ml dart nim zig
    sql css scss html htm xml json yaml yml toml ini cfg conf txt log md proto tf gradle
    """
)
"""Endings of files that have lines: `main.py:42` is a place in one, and no host with its port."""

MESSAGE_CODE_PREFIXES = (
    "ORA|TNS|PLS|SQL|SQLSTATE|MY|AMQ|WFLYCTL|WFLYSRV|WFLY|JBAS|ISPN|HHH|HV|DSRA|CWWK|CWWKO|CWWKZ|BEA|"
    "ARJUNA|IJ|UT|EJBCLIENT|RESTEASY|SRVE|CNTR|WTRN|DFH|IEC|DSN|MSB|CS|TS|NU|NETSDK|PHP|LNK|ERR|SRV|"
    "CERTMON|ESOCKET|KEYCLOAK|QUARKUS"
)
"""Vendors' prefixes of message codes such as ORA-00942: a code names the message."""

NO_VOWELS = frozenset({"https", "xhtml", "shtml", "rhtml", "grpcs", "ctrls", "pgsql", "mssql"})
"""Words that look like the random suffix of a pod and are none."""
