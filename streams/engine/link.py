"""Which records are one thing: by the link table, through a third product, by match key, else a new record."""

from __future__ import annotations

from schemas.events import Reading
from schemas.records import PLACEHOLDER, RecordId
from streams.engine.keys import key_of, reindex, with_key
from streams.engine.plan import opposite
from streams.engine.state import LinkRow, RecordRow
from streams.engine.work import Place, Work, drop_wanted, fall_back, held_version


def placeholder(place: Place, record: RecordId) -> RecordId:
    """The record that is to be created for `record`: its id is also the stamp that the create carries."""
    connection, entity = place.counterpart
    name = f"{PLACEHOLDER}{place.installation.id}:{place.pair.name}:{record.connection}:{record.id}"
    return RecordId(connection, entity, name)


def link_record(work: Work, record: RecordId) -> None:
    """Give the record a link in every pair it takes part in and has none yet, as far as the pair allows."""
    row = work.record(record)
    reindex(work, record)
    if not row.alive or row.twin or not (row.cells or row.wanted):
        return
    for place in list(work.places(record)):
        if any(_is_of(link, place) for link in work.links_of(record)):
            continue  # open, or closed: a closed link says no
        reason = _link_at(work, record, row, place)
        if reason:
            work.unlinked[record, place.installation.id, place.pair.name] = reason


def find_placeholder(work: Work, record: RecordId, reading: Reading) -> RecordId | None:
    """The create of ours that an unknown record is, by its stamp or by its match keys.

    A stamp whose create has already become another record makes this one a twin, which nobody links.
    """
    row = work.record(record)
    if reading.stamp is not None:
        named = RecordId(record.connection, record.entity, reading.stamp)
        real = work.now_called(named)
        if real not in (named, record):
            row.twin = True
            work.note("attention", record, other=real, reason="created_twice", category="duplicate")
            return None
        if work.record(named).known and real == named:
            row.ours = True
            return named
    for place in work.places(record):
        for key in place.pair.match:
            name, make = (key.left, key.left_key) if place.side == "left" else (key.right, key.right_key)
            for candidate in with_key(work, place, place.side, key, make(reading.fields.get(name))):
                if candidate.is_placeholder and candidate.entity == record.entity:
                    return candidate
    return None


def adopt(work: Work, created: RecordId, real: RecordId) -> bool:
    """A placeholder turned out to be this record: its links and command go over. False: it is another one already."""
    known = work.now_called(created)
    if known not in (created, real):
        return False
    if known == real:
        return True
    source, row = work.record(created), work.record(real)
    source.moved_to = real
    for link in work.links_of(created):
        _re_point(work, link, created, real)
    if source.sent is not None and row.sent is None:
        row.sent = source.sent
        row.sequence = max(row.sequence, source.sequence)
        row.attempts = source.attempts
    for name, wanted in source.wanted.items():
        if not row.knows(name):
            row.wanted[name] = wanted
        else:
            fall_back(work, real, name, held_version(row, name))
    source.wanted, source.sent, source.payload, source.blocked = {}, None, None, None
    row.held = {**source.held, **row.held}
    row.delete = row.delete or source.delete
    row.recent = [*source.recent, *row.recent]
    reindex(work, created)
    work.touch(real)
    return True


def close_as_clash(work: Work, link: LinkRow, record: RecordId) -> None:
    """Two open links of one record in one pair: the later one is closed, and told of unless both say the same."""
    for other in work.links_of(record):
        if other.id == link.id or other.state != "open" or not _same_pair(other, link):
            continue
        link.state = "same" if other.other(record) == link.other(record) else "duplicate"
        if link.state == "duplicate":
            drop_wanted(work, link)
            work.note("attention", record, link=link, reason="already_linked", category="duplicate")
        return


def _is_of(link: LinkRow, place: Place) -> bool:
    return link.installation == place.installation.id and link.pair == place.pair.name


def _same_pair(one: LinkRow, other: LinkRow) -> bool:
    return one.installation == other.installation and one.pair == other.pair


def _link_at(work: Work, record: RecordId, row: RecordRow, place: Place) -> str:
    """Link the record in this pair. Returns why it could not be, or nothing."""
    candidates, reason = _candidates(work, record, row, place)
    if reason:
        return reason
    if candidates:
        return _link_to(work, record, place, candidates[0])
    if not in_scope(place, row):
        return "out_of_scope"
    if not creates(place):
        return "create_off"
    if place.installation.state != "active" or work.quiet:
        return "linking"
    new = placeholder(place, record)
    real = work.now_called(new)
    if real == new:
        work.record(new).ours = True
    return _link_to(work, record, place, real)


def in_scope(place: Place, row: RecordRow) -> bool:
    test = place.pair.in_scope_left if place.side == "left" else place.pair.in_scope_right
    return test(row.values())


def _link_to(work: Work, record: RecordId, place: Place, other: RecordId) -> str:
    name = f"{place.installation.id}/{place.pair.name}/{record.connection}:{record.id}"
    link = work.link(name)
    if link is None:
        left, right = (record, other) if place.side == "left" else (other, record)
        link = LinkRow(id=name, installation=place.installation.id, pair=place.pair.name, left=left, right=right)
        kind = "create" if other.is_placeholder else "linked"
        work.note("linked", record, link=link, reason=kind)
    work.add_link(link)
    work.touch(other)
    return ""


def _candidates(work: Work, record: RecordId, row: RecordRow, place: Place) -> tuple[list[RecordId], str]:
    """The one record that this one is on the other side, or none; or why that cannot be told."""
    through = _through_others(work, record, place)
    found, doubles = (through, []) if through else _by_key(work, record, row, place)
    if doubles and not (found or creates(place)):
        return [], "create_off"
    newest = place.pair.ambiguous == "newest"
    if doubles and not (newest and _newest(work, [record, *doubles]) == record):
        return [], _ambiguous(work, record, place, "same_key_twice", [])
    free = [candidate for candidate in found if not _taken(work, candidate, place)]
    if newest and len(found) > 1 and free:
        return [_newest(work, free)], ""
    if len(found) > 1 or len(free) < len(found):
        return [], _ambiguous(work, record, place, "several_candidates" if len(found) > 1 else "candidate_taken", found)
    return found, ""


def creates(place: Place) -> bool:
    """May a record be created on the other side?"""
    return place.pair.create_right if place.side == "left" else place.pair.create_left


def _newest(work: Work, records: list[RecordId]) -> RecordId:
    return max(records, key=lambda record: (work.record(record).updated_at, record))


def _ambiguous(work: Work, record: RecordId, place: Place, reason: str, found: list[RecordId]) -> str:
    """Never a guess: a person decides, unless the pair says to leave such records alone."""
    if place.pair.ambiguous == "skip" or (place.pair.ambiguous == "newest" and not found):
        return "ambiguous_skipped"
    names = ", ".join(str(candidate) for candidate in found)
    mark = f"{place.installation.id}/{place.pair.name}/{reason}"
    work.note("attention", record, reason=reason, category="duplicate", message=names, once=mark)
    return "ambiguous"


def _taken(work: Work, candidate: RecordId, place: Place) -> bool:
    return any(
        _is_of(link, place) and link.state not in ("deleted", "same", "left") for link in work.links_of(candidate)
    )


def _through_others(work: Work, record: RecordId, place: Place) -> list[RecordId]:
    """The same thing may already be known on the other side through a third product."""
    connection, entity = place.counterpart
    found: list[RecordId] = []
    for first in work.links_of(record):
        if first.state != "open":
            continue
        middle = first.other(record)
        for second in work.links_of(middle):
            end = second.other(middle)
            if second.state == "open" and (end.connection, end.entity) == (connection, entity) and end not in found:
                found.append(end)
    return found


def _by_key(work: Work, record: RecordId, row: RecordRow, place: Place) -> tuple[list[RecordId], list[RecordId]]:
    """By the first match key with which any is found: the records on the other side, and the doubles on this one.

    A second live record of this side with the key leaves open which of the two is meant.
    """
    for key in place.pair.match:
        text = key_of(key, place.side, row)
        if text is None:
            continue
        doubles = [known for known in with_key(work, place, place.side, key, text) if known != record]
        found = with_key(work, place, opposite(place.side), key, text)
        if key.only_if_unique and (doubles or len(found) > 1):
            continue
        if doubles or found:
            return found, doubles
    return [], []


def _re_point(work: Work, link: LinkRow, before: RecordId, after: RecordId) -> None:
    if link.left == before:
        link.left = after
    else:
        link.right = after
    work.join_link(after, link.id)
    if link.state == "open":
        close_as_clash(work, link, after)
    work.touch(link.other(after))
