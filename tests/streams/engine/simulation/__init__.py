"""An adversary round `decide`: what may happen between three products, and what must hold in the end.

Three products in a triangle, with field names and values of their own, webhooks that come late, twice, never or out of
order, lists that lag, clocks of whole seconds and off by seconds, products that reformat, refuse and add values,
answers that are lost while the write lands late, throttling, crashes between any two effects with a replay, and people
who edit the same field on two products within a second. When they have gone home, it must come to rest: linked records
equal, nothing written any more, nothing made twice, no edit lost untold, every change with its end.

    python -m tests.streams.engine.simulation --runs 1000 --seed 1 [--profile burst] [--without hlc] [--shrink]

The windows that remain are counted, not hidden. A run is excused by one only where its schedule shows that it was hit:

W1   An edit between the sink's read and its write is written over unseen: no vendor here offers conditional writes.
W2   A write whose answer was lost lands late, up to the vendor's longest request, over an edit made meanwhile.
W3   A value that was changed and put back between two believed reads, or our write undone to the former value while
     its answer is out, is no edit.
W4   Two creates between look-up and create in a product without unique keys: two records, attention, never two links.
W5   Edits closer than the clocks can tell (`tie_ms`) go to the master; a record's fields share its one time.
W6   A product that reformats a field that nobody declared, and a lost answer: one echo.
W7   A vendor's default on a record that we made flows once, if the answer to the create was lost, or the create was
     tried more than once.
W8   Two records whose key was changed before either was read are two things.
W9   A person types the very value that is on its way there: it is taken for ours, with our version.
W10  An edit that makes a record equal to what was known of another one, which had been edited unread: the unread edit
     counts as the newer.
W11  A crash of the sync stage repeats a command after its answer, and the field had been put back meanwhile.
"""
