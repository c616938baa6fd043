"""Function lists compared: what is the same is found, what is not is not, and why is said."""

from __future__ import annotations

import pytest
from labelled import LISTS, pairs

from egov.overlap import Overlap, Terms, items_of, terms

CUT, SHARE = 0.3, 0.7  # as in the sample city's mandate; chosen with all pairs in view
ALL = 10**6


@pytest.fixture(scope="module")
def labelled() -> Overlap:
    """Return all labelled lists against each other."""
    return Overlap(LISTS, cut=CUT, generic=ALL)


@pytest.mark.parametrize("half", [0, 1], ids=["even lines", "odd lines"])
def test_labelled_pairs_are_told_apart(labelled: Overlap, half: int) -> None:
    """Nothing that only shares a part is taken for the same, and most of what is the same is found."""
    found = [(label, labelled.cover(a, b).share >= SHARE) for n, label, a, b in pairs() if n % 2 == half]
    hits = sum(same for label, same in found if label == "same")
    false = sum(same for label, same in found if label != "same")
    total = sum(label == "same" for label, _ in found)
    print(f"cut {CUT}, share {SHARE}: precision {hits / (hits + false):.3f}, recall {hits / total:.3f}")  # noqa: T201

    assert (100, 25) == (len(found), total)
    assert false == 0
    assert hits >= 0.8 * total


def test_pairs_that_share_a_part_are_near(labelled: Overlap) -> None:
    """Same and part share at least one item; of the different pairs of one field hardly any does."""
    near = dict.fromkeys(("same", "part", "different"), 0)
    for _, label, a, b in pairs():
        near[label] += labelled.cover(a, b).matched > 0

    assert (50, 50) == (near["same"], near["part"])
    assert near["different"] <= 6


def test_a_pair_is_explained_by_the_items_that_meet() -> None:
    """The strongest first, each item of the other used once, with the words they share."""
    lists = {"a": ["公文收文", "公文签收", "会议室预定"], "b": ["公文收文登记", "车辆调度"]}
    found = Overlap(lists, cut=CUT, generic=ALL).matches("a", "b")

    assert [("公文收文", "公文收文登记")] == [(match.item, match.other) for match in found]
    assert "收文" in found[0].shared


def test_one_item_of_the_other_stands_in_for_one_only() -> None:
    """Three items that all look like the only one of the other are not all covered by it."""
    lists = {"a": ["公文收文", "公文发文", "公文签收"], "b": ["公文收文"]}
    cover = Overlap(lists, cut=0.2, generic=ALL).cover("a", "b")

    assert (1, 3) == (cover.matched, cover.items)


def test_coverage_goes_both_ways() -> None:
    """One may do all of another and much more: the share differs by the side it is asked of."""
    lists = {"a": ["低保申请", "低保发放"], "b": ["低保申请", "低保发放", "水库调度", "雨情上报"]}
    compared = Overlap(lists, cut=CUT, generic=ALL)

    assert (1.0, 0.5) == (compared.cover("a", "b").share, compared.cover("b", "a").share)
    assert 0.7 < compared.similarity("a", "b") < 0.8


def test_what_nearly_everybody_has_does_not_count() -> None:
    """User management in eleven systems makes none of them replaceable."""
    lists = {f"s{n}": ["用户权限管理", f"{word}台账"] for n, word in enumerate("甲乙丙丁戊己庚辛壬癸子")}
    compared = Overlap(lists, cut=CUT, generic=10)

    assert ["甲台账"] == compared.counting("s0")
    assert [] == compared.covers("s0", 0.6)


def test_names_and_empty_words_say_nothing() -> None:
    """Names of the city and its departments are taken out, longest first; a stop word is no function."""
    assert "低保申请" == terms().plain("葫芦岛市民政局 低保 信息管理系统 申请", ["葫芦岛市民政局", "葫芦岛"])
    assert "管理系统" == terms().plain("管理系统")  # nothing else is left of it: better kept than lost


def test_words_of_one_meaning_are_one_word() -> None:
    """A group is read as its first word, and a longer word wins over a shorter one in it."""
    own = Terms.of("1", ["系统"], [["低保", "最低生活保障", "生活保障"]])

    assert "低保审核" == own.plain("最低生活保障审核系统")
    assert "2026-11-27" == terms().version


def test_a_sentence_is_split_into_items() -> None:
    """Marks part items; what stands in brackets is a remark."""
    assert ["登记", "查询", "归档"] == items_of("登记、查询；归档（2016年停用，改用省级平台）")


def test_hostile_text_is_text() -> None:
    """Patterns, empty items and odd characters are compared like any other text."""
    lists = {"a": [".*", "(", "\U0001f600"], "b": [".*", "\u202e", "登记"]}

    assert 0 <= Overlap(lists, cut=CUT, generic=ALL).similarity("a", "b") <= 1


def test_the_order_of_the_lists_changes_nothing() -> None:
    """The same lists in another order, the same result."""
    backwards = {owner: LISTS[owner][::-1] for owner in reversed(LISTS)}

    one, two = Overlap(LISTS, cut=CUT, generic=ALL), Overlap(backwards, cut=CUT, generic=ALL)

    assert [one.covers(owner) for owner in sorted(LISTS)] == [two.covers(owner) for owner in sorted(LISTS)]
