"""The index of the forest: finds the few trees worth asking, however many there are.

It holds every tree and, as bitmaps over all trees, who has how much of a class to give, who has a
trait, who is in an aggregate. It is only ever a copy: it follows the database by the change log
before each search, and a claim is decided in the database.

Bitmaps may let a tree through that cannot serve the query in the end. Such trees are remembered
for each of the latest queries until they change, so that a search does not ask them again; see
`cellrig.placement.questions`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator

from cellrig.db.database import Transaction
from cellrig.placement.bitmap import bitmap_of, numbers_in
from cellrig.placement.changes import Follower
from cellrig.placement.forest import Node, Tree, read_all, read_some
from cellrig.placement.questions import Question
from cellrig.placement.shapes import Shape, Shared

_LEVELS = 32
_QUESTIONS_REMEMBERED = 32

#: What a tree is compared with where there was none, or is none any more.
_BARE = Shape(((None, (), frozenset(), frozenset()),))


class Index:
    """All trees, ordered by the ids of their roots; `lock` is held while one uses it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._follower = Follower()
        self._shared = Shared()
        self._reset()

    def _reset(self) -> None:
        self._trees: list[Tree | None] = []
        self._slots: dict[int, int] = {}
        self._youngest = 0
        self._nodes: dict[str, Node] = {}
        self._levels: dict[str, list[int]] = {}
        self._traits: dict[str, int] = {}
        self._aggregates: dict[str, int] = {}
        self._sharing: dict[int, Node] = {}
        self._questions: OrderedDict[Hashable, Question] = OrderedDict()

    # -- following the database ----------------------------------------------------------------

    def follow(self, transaction: Transaction) -> None:
        """Read again what has changed in the database since the last time."""
        try:
            changed = self._follower.catch_up(transaction)
            if changed is None:
                self._build(read_all(transaction, self._shared))
            elif changed:
                self._change(transaction, changed)
        except BaseException:
            self._follower.forget()
            raise

    def _build(self, trees: list[Tree]) -> None:
        self._reset()
        size = len(trees)
        largest: dict[str, list[list[int]]] = {}
        traits: dict[frozenset[str], list[int]] = {}
        aggregates: dict[frozenset[str], list[int]] = {}
        for slot, tree in enumerate(trees):
            self._trees.append(tree)
            self._youngest = tree.root.id
            self._slots[tree.root.id] = slot
            self._note(tree)
            for name, amount in tree.shape.largest.items():
                if name not in largest:
                    largest[name] = [[] for _level in range(_LEVELS)]
                largest[name][amount.bit_length() - 1].append(slot)
            traits.setdefault(tree.shape.traits, []).append(slot)
            aggregates.setdefault(tree.shape.aggregates, []).append(slot)
        for name, by_level in largest.items():
            bitmap, levels = 0, []
            for slots in reversed(by_level):
                bitmap |= bitmap_of(slots, size) if slots else 0
                levels.append(bitmap)
            self._levels[name] = levels[::-1]
        _spread(traits, self._traits, size)
        _spread(aggregates, self._aggregates, size)

    def _change(self, transaction: Transaction, root_ids: Iterable[int]) -> None:
        present = {tree.root.id: tree for tree in read_some(transaction, root_ids, self._shared)}
        for root_id in sorted(root_ids):
            tree = present.get(root_id)
            slot = self._slots.get(root_id)
            if slot is None:
                if tree is None:
                    continue
                if root_id < self._youngest:  # a child became a root: the order changes
                    self._build(read_all(transaction, self._shared))
                    return
                slot = self._slots[root_id] = len(self._trees)
                self._trees.append(None)
                self._youngest = root_id
            self._put(slot, tree)

    def _put(self, slot: int, tree: Tree | None) -> None:
        """Let a tree (None: no tree any more) take the place of the old one."""
        old, self._trees[slot] = self._trees[slot], tree
        if old is not None:
            self._forget(old)
        if tree is not None:
            self._note(tree)
        bit = 1 << slot
        before, after = old.shape if old else _BARE, tree.shape if tree else _BARE
        if before is not after:
            self._put_levels(bit, before.largest, after.largest)
            _toggle(self._traits, bit, before.traits, after.traits)
            _toggle(self._aggregates, bit, before.aggregates, after.aggregates)
        if before.sharing or after.sharing:
            self._questions.clear()  # what any tree can do may have changed
        for question in self._questions.values():
            question.refused &= ~bit

    def _put_levels(self, bit: int, old: dict[str, int], new: dict[str, int]) -> None:
        for name in {**old, **new}:
            before, after = old.get(name, 0).bit_length(), new.get(name, 0).bit_length()
            if before != after:
                levels = self._levels.setdefault(name, [0] * _LEVELS)
                for level in range(min(before, after), max(before, after)):
                    levels[level] ^= bit

    def _note(self, tree: Tree) -> None:
        for node in tree.nodes:
            self._nodes[node.uuid] = node
        for node in tree.sharing:
            self._sharing[node.id] = node

    def _forget(self, tree: Tree) -> None:
        for node in tree.nodes:
            if self._nodes.get(node.uuid) is node:
                del self._nodes[node.uuid]
        for node in tree.sharing:
            if self._sharing.get(node.id) is node:
                del self._sharing[node.id]

    # -- asking --------------------------------------------------------------------------------

    def node(self, uuid: str) -> Node | None:
        """Return a provider by its uuid, None where there is none."""
        return self._nodes.get(uuid)

    def trees(self, bitmap: int) -> Iterator[tuple[int, Tree]]:
        """Return the trees of a bitmap with their numbers, in order."""
        for slot in numbers_in(bitmap):
            tree = self._trees[slot]
            if tree is not None:
                yield slot, tree

    def every_tree(self) -> int:
        """Return the bitmap of all trees."""
        return (1 << len(self._trees)) - 1

    def only(self, root_id: int) -> int:
        """Return the bitmap of one tree and of those that its sharing providers share with."""
        slot = self._slots[root_id]
        tree = self._trees[slot]
        bitmap = 1 << slot
        for node in tree.sharing if tree else ():
            bitmap |= self._with_any(self._aggregates, node.aggregates)
        return bitmap

    def with_room(self, resource_class: str, amount: int) -> int:
        """Return the trees that may have this much to give, themselves or by a sharing provider."""
        levels = self._levels.get(resource_class)
        bitmap = levels[amount.bit_length() - 1] if levels else 0
        for node in self._sharing.values():
            if resource_class in node.rooms:
                bitmap |= self._with_any(self._aggregates, node.aggregates)
        return bitmap

    def with_trait(self, traits: Iterable[str]) -> int:
        """Return the trees in which a provider has one of `traits`, or may by sharing."""
        return self._with_any(self._traits, traits) | self._shared_with()

    def in_aggregate(self, aggregates: Iterable[str]) -> int:
        """Return the trees in which a provider is in one of `aggregates`, or may by sharing."""
        return self._with_any(self._aggregates, aggregates) | self._shared_with()

    def sharing_with(self, tree: Tree) -> tuple[Node, ...]:
        """Return the providers of other trees that share with one, ordered by id."""
        if not self._sharing:
            return ()
        found = [
            node
            for node in self._sharing.values()
            if node.tree is not tree and not node.aggregates.isdisjoint(tree.shape.aggregates)
        ]
        return tuple(sorted(found, key=lambda node: node.id))

    def question(self, key: Hashable, make: Callable[[], Question]) -> Question:
        """Return the question that was asked under a key before, or a new one.

        Args:
            key: the same for the same query.
            make: makes a new one.
        """
        question = self._questions.pop(key, None)
        if question is None:
            question = make()
            if len(self._questions) >= _QUESTIONS_REMEMBERED:
                self._questions.popitem(last=False)
        self._questions[key] = question  # the latest is the last to go
        return question

    def refuse(self, question: Question, slots: list[int]) -> None:
        """Remember trees that do not serve a query."""
        if slots:
            question.refused |= bitmap_of(slots, len(self._trees))

    def _shared_with(self) -> int:
        bitmap = 0
        for node in self._sharing.values():
            bitmap |= self._with_any(self._aggregates, node.aggregates)
        return bitmap

    @staticmethod
    def _with_any(bitmaps: dict[str, int], names: Iterable[str]) -> int:
        bitmap = 0
        for name in names:
            bitmap |= bitmaps.get(name, 0)
        return bitmap


def _spread(slots_of: dict[frozenset[str], list[int]], bitmaps: dict[str, int], size: int) -> None:
    for names, slots in slots_of.items():
        bitmap = bitmap_of(slots, size)
        for name in names:
            bitmaps[name] = bitmaps.get(name, 0) | bitmap


def _toggle(bitmaps: dict[str, int], bit: int, old: frozenset[str], new: frozenset[str]) -> None:
    if old is not new:
        for name in old ^ new:
            bitmaps[name] = bitmaps.get(name, 0) ^ bit
