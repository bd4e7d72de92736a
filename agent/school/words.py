"""Texts for screens, made up: words of interfaces, words that nobody has seen before, names, numbers, dates."""

from random import Random


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_INTERFACE = _listed("""
Save Cancel Submit Delete Edit Open Close Search Next Back Login Logout Sign Register Send Reply Forward Print Share
Copy Paste Cut Undo Redo Help About Settings Options Preferences Profile Account Home Menu File View Insert Format
Tools Window Yes No OK Apply Reset Clear Add Remove New Create Update Refresh Upload Download Import Export Filter
Sort Select All None More Less Show Hide Details Name Email Password Username Phone Address City Country Date Time
Price Total Order Cart Checkout Buy Pay Continue Finish Done Start Stop Pause Play Loading Error Warning Success
Status Active Pending Draft Inbox Sent Trash Archive Message Messages Subject From To Today Yesterday Week Month Year
Color Size Quantity Title Text Comment Comments Like Follow Post Photo Video Music Document Folder Files Report
Reports Dashboard Users Team Project Task Tasks Calendar Notes Contacts History Privacy Security Language Theme Dark
Light Font Zoom Enter Username First Last Book Flight Hotel Room Table Menu Street Number Code State Zip Card Amount
Balance Account Transfer Invoice Customer Product Category Review Rating Stock Available Sold Free Sale Gift Terms
Agree Accept Decline Allow Block Enable Disable Default the of and to in is you that it for on are as with his they at
be this have from or one had by word but not what all were we when your can said there use an each which she do how
their if will up other about out many then them these so some her would make like him into time has look two more
write go see number no way could people my than first water been call who
""")
_ONSETS = _listed(
    "b c d f g h j k l m n p r s t v w z bl br ch cl cr dr fl fr gl gr pl pr sc sh sk sl sm sn sp st str th tr"
)
_VOWELS = _listed("a e i o u a e i o u ai ea ee ie oo ou")
_CODAS = _listed("b d g k l m n p r s t x ck ll nd ng nk nt rd rk rn rt ss st th") + ("",) * 12
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SIGNS = _LETTERS + _LETTERS.upper() + "0123456789"
_MONTHS = _listed("January February March April May June July August September October November December")


def letters(rng: Random, least: int, most: int) -> str:
    """Letters and digits without sense."""
    return "".join(rng.choices(_SIGNS, k=rng.randint(least, most)))


def made_up(rng: Random) -> str:
    """A word that could be one."""
    syllables = rng.choice((1, 2, 2, 2, 3))
    return "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS) for _ in range(syllables))


def word(rng: Random) -> str:
    """One word, mostly in lower case or with a capital."""
    chance = rng.random()
    if chance < 0.4:
        text = rng.choice(_INTERFACE)
    elif chance < 0.9:
        text = made_up(rng)
    else:
        return letters(rng, 2, 6)
    chance = rng.random()
    return text.lower() if chance < 0.45 else text.upper() if chance > 0.93 else text[:1].upper() + text[1:]


def phrase(rng: Random, least: int = 1, most: int = 3) -> str:
    """Some words, the first with a capital more often than not."""
    text = " ".join(word(rng) for _ in range(rng.randint(least, most)))
    return text[:1].upper() + text[1:] if rng.random() < 0.7 else text


def sentence(rng: Random, least: int = 4, most: int = 12) -> str:
    """A sentence without sense."""
    inner = [
        made_up(rng) if rng.random() < 0.6 else rng.choice(_INTERFACE).lower() for _ in range(rng.randint(least, most))
    ]
    comma = rng.randrange(len(inner))
    if rng.random() < 0.3 and comma < len(inner) - 1:
        inner[comma] += ","
    return " ".join(inner).capitalize() + rng.choice("...?!")


def name(rng: Random) -> str:
    """A first name, or one with a family name."""
    parts = [made_up(rng).capitalize() for _ in range(rng.choice((1, 2)))]
    return " ".join(parts)


def number(rng: Random) -> str:
    """A number, a price, a percentage."""
    value = rng.randint(0, 10 ** rng.randint(1, 5))
    return rng.choice((f"{value}", f"{value:,}", f"${value}.{rng.randrange(100):02}", f"{value % 100}%", f"#{value}"))


def date(rng: Random) -> str:
    """A date or a time of day in one of the usual forms."""
    day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(1990, 2030)
    return rng.choice((
        f"{month:02}/{day:02}/{year}", f"{year}-{month:02}-{day:02}", f"{day} {_MONTHS[month - 1][:3]} {year}",
        f"{_MONTHS[month - 1]} {day}", f"{rng.randrange(24):02}:{rng.randrange(60):02}",
    ))  # fmt: skip


def mail(rng: Random) -> str:
    """An address."""
    return f"{made_up(rng)}@{made_up(rng)}.{rng.choice(('com', 'org', 'test'))}"


def text(rng: Random) -> str:
    """Anything short that stands on a screen."""
    kind = rng.choices((phrase, word, name, number, date, mail), (8, 6, 2, 3, 2, 1))[0]
    return kind(rng)
