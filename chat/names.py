"""Names that people go by: none looks like another person's, like a guest's or like the chat's own.

Two names look alike where their skeletons are the same:
https://www.unicode.org/reports/tr39/#Confusable_Detection. Of each name both skeletons are kept, as it
stands and without case: "aIice" (with a capital I) looks like "alice", and "ALICE" reads like it.
"""

import unicodedata
from functools import cache
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models.signals import post_save
from django.dispatch import receiver

from chat.models import TakenName
from chat.wire import GUEST_NAME

DELETED_NAME = "Deleted account"

# What the chat itself could be taken for. Operators may still give these names out.
RESERVED = (
    GUEST_NAME,
    DELETED_NAME,
    "admin",
    "administrator",
    "guest",
    "mod",
    "moderator",
    "parlor",
    "root",
    "staff",
    "support",
    "system",
)
# Letters that show nothing.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0")
# Scripts with letters that look like each other's. A name that mixes them has that as its only purpose.
_LOOK_ALIKE = frozenset({"LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"})


def check_name(name: str) -> None:
    """Refuse a name that a person must not choose.

    :raises ValidationError: It is reserved, blank, or mixes alphabets that look alike.
    """
    if _BLANK.intersection(name):
        raise ValidationError("This name contains characters that show nothing.", code="blank")
    if len(_scripts(name) & _LOOK_ALIKE) > 1:
        raise ValidationError("Write the name in one alphabet.", code="mixed_scripts")
    if not _reserved().isdisjoint(skeletons(name)):
        raise ValidationError("This name is reserved. Choose another one.", code="reserved")


def check_free(name: str, *, but: User | None = None) -> None:
    """Refuse a name that looks like another person's.

    The database has the last word: of two who ask for it at once, one is refused when it is saved.

    :raises ValidationError: It is taken.
    """
    shown, folded = skeletons(name)
    others = TakenName.objects.exclude(user=but) if but and but.pk else TakenName.objects.all()
    if (others.filter(shown=shown) | others.filter(folded=folded)).exists():
        raise taken()


def taken() -> ValidationError:
    return ValidationError("This name, or one that looks like it, is taken.", code="taken")


def skeletons(name: str) -> tuple[str, str]:
    """What a name looks like as it stands, and without case."""
    normal = unicodedata.normalize("NFKC", name)
    return _skeleton(normal).casefold(), _skeleton(normal.casefold()).casefold()


@receiver(post_save, sender=User)
def take_name(instance: User, created: bool, raw: bool, update_fields: Any, **kwargs: Any) -> None:
    """Take a person's name whoever gave it to them.

    :raises django.db.IntegrityError: It looks like another person's.
    """
    if raw or (update_fields is not None and "username" not in update_fields):
        return
    shown, folded = skeletons(instance.username)
    taken = None if created else TakenName.objects.filter(user=instance).first()
    if taken is None:
        TakenName.objects.create(user=instance, shown=shown, folded=folded)
    elif (taken.shown, taken.folded) != (shown, folded):
        TakenName.objects.filter(user=instance).update(shown=shown, folded=folded)


def _skeleton(text: str) -> str:
    prototypes = _prototypes()
    decomposed = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFD", "".join(prototypes.get(each, each) for each in decomposed))


@cache
def _prototypes() -> dict[str, str]:
    """For each character that looks like something else, what that is.

    The library holds Unicode's table in both directions, without saying which is which. A character that is
    mapped has one counterpart; what others are mapped to has as many as there are of these.
    """
    # Reads a megabyte, for which only whoever makes an account has use.
    from confusable_homoglyphs.confusables import confusables_data

    counterparts = {
        each: [_bare(other["c"]) for other in others]
        for each, others in ((_bare(key), others) for key, others in confusables_data.items())
    }
    return {
        each: others[0]
        for each, others in counterparts.items()
        if len(each) == 1
        and len(others) == 1
        # Of a pair that has no others, the lower is what both are taken for.
        and (len(others[0]) > 1 or len(counterparts.get(others[0], ())) > 1 or others[0] < each)
    }


def _bare(sequence: str) -> str:
    # The table's comments, which the library reads, set what is written from right to left in marks.
    return sequence.strip("\u200e") or sequence


def _scripts(name: str) -> set[str]:
    from confusable_homoglyphs.categories import alias

    return {alias(each) for each in name}


@cache
def _reserved() -> frozenset[str]:
    return frozenset(skeleton for name in RESERVED for skeleton in skeletons(name))
