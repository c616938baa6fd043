"""Reading a description: what YAML means here, references, all problems at once, the cache, which folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from egov.city import City, find, load
from egov.city.load import cache_folder, locations
from egov.city.source import MAX_BYTES, MAX_DEPTH, read
from egov.errors import DescriptionError, UsageError

CITY = 'city: {id: mini, name_zh: 小城, name_en: Mini, region_code: "210000"}\n'
SITES = "sites:\n  - {id: hall, name_zh: 行政中心, name_en: City hall}\n"
FINANCE = (
    "departments:\n  - {id: finance, name_zh: 市财政局, name_en: Finance, credit_code: 11210000MB0000002Q,"
    " level: city, site: hall, contact: {office: 办公室}}\n"
)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a small valid city."""
    path = tmp_path / "mini"
    path.mkdir()
    (path / "city.yml").write_text(CITY + SITES + FINANCE, encoding="utf-8")
    return path


def problems(folder: Path) -> list[str]:
    """Return the problems of a city as they are printed."""
    with pytest.raises(DescriptionError) as refused:
        load(folder)
    return [str(problem) for problem in refused.value.problems]


def value(folder: Path, text: str) -> tuple[object, list[str]]:
    """Return what `a: TEXT` holds, and the codes of what is wrong with it."""
    path = folder / "value.yml"
    path.write_text(f"a: {text}\n", encoding="utf-8")
    document = read(path)
    held = document.data["a"] if isinstance(document.data, dict) else None
    return held, [problem.code for problem in document.problems]


@pytest.mark.parametrize(
    "text",
    [
        *("yes", "No", "on", "OFF", "y", "N", "0123", "-0123", "0x1F", "0o17", "0b11", "1_000", "22:30", "1:30:00"),
        *("1e5", "1.5E-3", ".5", "5.", ".inf", "-.INF", ".nan", "00.5", "1234567890123456789", "=", "1:30.5"),
    ],
)
def test_yaml_trap_is_refused(folder: Path, text: str) -> None:
    """What one reader takes for a truth value, an octal number or a time and another for text is nobody's guess."""
    assert (text, ["E105"]) == value(folder, text)
    assert (text, []) == value(folder, f'"{text}"')


@pytest.mark.parametrize(
    ("text", "held"),
    [
        *(("true", True), ("False", False), ("null", None), ("~", None), ("", None), ("12", 12), ("-3", -3), ("0", 0)),
        *(("1.50", 1.5), ("-0.5", -0.5), ("2018-12-31", "2018-12-31"), ("10.0.0.1", "10.0.0.1"), ("1.2.3", "1.2.3")),
        *(("22/tcp", "22/tcp"), ("no one", "no one"), ("ｙｅｓ", "ｙｅｓ"), ("999999999999999999", 10**18 - 1)),
        *(("::1", "::1"), ("0-0", "0-0"), ("[1, [x]]", (1, ("x",))), ("{b: 1}", {"b": 1}), ("|-\n  yes", "yes")),
    ],
)
def test_plain_value(folder: Path, text: str, held: object) -> None:
    """A plain value is what YAML 1.2's core schema says; a date stays text until a field asks for a day."""
    assert (held, []) == value(folder, text)


@pytest.mark.parametrize(("levels", "codes"), [(MAX_DEPTH, []), (MAX_DEPTH + 1, ["E108"])], ids=["deepest", "deeper"])
def test_nesting(folder: Path, levels: int, codes: list[str]) -> None:
    """Below the file's own mapping lists nest as deep as the bound; one deeper is refused."""
    assert codes == value(folder, "[" * levels + "x" + "]" * levels)[1]


@pytest.mark.parametrize("start", ["[", "{a: ", "- ", "? ", "[{"])
def test_nesting_without_end(folder: Path, start: str) -> None:
    """A million opening brackets are one problem, not a full stack."""
    (folder / "deep.yml").write_text(start * 1_000_000, encoding="utf-8")

    assert ["E108"] == [problem.code for problem in read(folder / "deep.yml").problems]


def test_unbalanced_brackets_in_text(folder: Path) -> None:
    """Brackets in texts are no nesting."""
    (folder / "texts.yml").write_text("a:\n" + '  - "［[{第1条"\n' * 100, encoding="utf-8")

    assert [] == read(folder / "texts.yml").problems


def test_file_too_large(folder: Path) -> None:
    """A file beyond the bound is refused before it is parsed."""
    (folder / "large.yml").write_bytes(b"#" * (MAX_BYTES + 1))

    assert [f"large.yml:1:1: E108 file has {MAX_BYTES + 1} bytes, more than {MAX_BYTES} (请拆分文件)"] == problems(
        folder
    )


def test_byte_order_mark_and_crlf(folder: Path) -> None:
    """Files as Windows editors save them read the same, with the same places."""
    (folder / "racks.yml").write_bytes("\ufeffracks:\r\n  - {id: r1, room: x}\r\n".encode())

    assert ["racks.yml:2:20: E302 room: no rooms x (引用的对象不存在)"] == problems(folder)


def test_file_name_that_is_not_utf8(folder: Path) -> None:
    """A file from an old archive, its name in GB 18030, is a problem like any other."""
    Path(os.fsdecode(os.fsencode(folder) + "/机房.yml".encode("gb18030"))).write_text(SITES, encoding="utf-8")

    hint = "请将文件名改为 UTF-8 编码"
    assert [rf"\xbb\xfa\xb7\xbf.yml:1:1: E102 the file's name is not UTF-8 ({hint})"] == problems(folder)


def test_all_problems_at_once_in_order(folder: Path) -> None:
    """Problems of every layer and file come in one answer, sorted by file, line and column."""
    (folder / "b.yml").write_text("rooms:\n  - {id: B, purpose: x, site: hall, departments: []}\n", encoding="utf-8")
    (folder / "a.yml").write_text("racks:\n  - {id: r1, room: none, height_u: 1}\nroms: []\n", encoding="utf-8")
    (folder / "c.yml").write_text("sites: [", encoding="utf-8")

    expected = ["a.yml:2:20: E302", "a.yml:3:1: E201", "b.yml:2:5: E204", "b.yml:2:10: E206", "b.yml:2:22: E205"]
    assert [*expected, "b.yml:2:50: E205", "c.yml:1:9: E101"] == [p[: p.index("E") + 4] for p in problems(folder)]


@pytest.mark.parametrize(
    ("written", "answer"),
    [
        ("finanse", "E302 departments: no departments finanse; did you mean finance?"),
        ("zzz", "E302 departments: no departments zzz"),
    ],
    ids=["near", "nothing-near"],
)
def test_dangling_reference(folder: Path, written: str, answer: str) -> None:
    """A reference to nothing names the nearest id, and none if none is near."""
    room = f"rooms:\n  - {{id: r1, name_zh: 机房, site: hall, departments: [{written}]}}\n"
    (folder / "rooms.yml").write_text(room, encoding="utf-8")

    assert [f"rooms.yml:2:53: {answer} (引用的对象不存在)"] == problems(folder)


def test_reference_to_a_broken_object_is_not_blamed(folder: Path) -> None:
    """A room with a mistake is still there: its rack is right, and only the mistake is reported."""
    text = "rooms:\n  - {id: r1, name_zh: 机房, site: hall, departments: []}\nracks:\n  - {id: k1, room: r1}\n"
    (folder / "rooms.yml").write_text(text, encoding="utf-8")

    assert ["rooms.yml:2:52: E205 departments: expected at least 1 entry, got 0 (条目过少)"] == problems(folder)


def test_hidden_files_and_other_readers_folders(folder: Path) -> None:
    """An editor's hidden files, the mandate, cases and sheets are not the description's."""
    for name in (".sites.yml.swp.yml", ".git/x.yml", "mandate/x.yml", "cases/x.yml", "surveys/x.yml", "signers.yml"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("nonsense: [", encoding="utf-8")

    assert ["hall"] == list(load(folder).sites)


def test_every_value_has_its_place(folder: Path) -> None:
    """`egov show` can name the line and column of each value of an object."""
    city = load(folder)

    places = {loc: (line, col) for loc, line, col in locations(folder, "sites", city.places["sites", "hall"])}

    assert {("id",): (3, 10), ("name_zh",): (3, 25), ("name_en",): (3, 40)} == places


def cached_files(name: str) -> list[Path]:
    """Return the cached files of that name."""
    return list((cache_folder() / "city").glob(f"*/{name}"))


def test_cache_gives_the_same_city(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second load reads no YAML and gives an equal city, places and order included."""
    folder = Path(__file__).parents[2] / "inventory" / "huludao"
    cold = load(folder)
    monkeypatch.setattr(sys.modules[find.__module__], "read_kinds", None)

    warm = load(folder)

    assert cold == warm
    assert [list(getattr(cold, kind)) for kind in ("rooms", "hosts", "systems")] == [
        list(getattr(warm, kind)) for kind in ("rooms", "hosts", "systems")
    ]


def test_cache_follows_every_change(folder: Path) -> None:
    """A changed byte, a new file and a renamed file are read anew."""
    names = [load(folder).sites["hall"].name_zh]
    (folder / "city.yml").write_text(CITY + SITES.replace("行政中心", "新行政中心") + FINANCE, encoding="utf-8")
    names.append(load(folder).sites["hall"].name_zh)
    (folder / "city.yml").rename(folder / "all.yml")
    files = [load(folder).places["sites", "hall"].file]
    (folder / "more.yml").write_text(SITES.replace("hall", "annex"), encoding="utf-8")

    assert (["行政中心", "新行政中心"], ["all.yml"]) == (names, files)
    assert ["hall", "annex"] == list(load(folder).sites)


@pytest.mark.parametrize("damage", ["[{}]", "", "{", "\x00"], ids=["other-data", "empty", "cut-off", "binary"])
def test_damaged_cache_is_only_slower(folder: Path, damage: str) -> None:
    """What a damaged cache holds is never taken for the description."""
    cold = load(folder)
    (sites,) = cached_files("sites.json")
    sites.write_text(damage, encoding="utf-8")

    assert cold == load(folder)


def test_invalid_description_is_not_cached(folder: Path) -> None:
    """Problems are found again by the next run."""
    (folder / "more.yml").write_text(SITES, encoding="utf-8")

    assert problems(folder) == problems(folder)
    assert [] == cached_files("city.json")


def test_cache_that_cannot_be_written(folder: Path, tmp_path: Path) -> None:
    """Without a place for the cache the description loads all the same."""
    (tmp_path / "cache").write_text("a file where the folder should be", encoding="utf-8")

    assert isinstance(load(folder), City)


def test_cache_keeps_few_descriptions(folder: Path) -> None:
    """The cache forgets the oldest descriptions instead of growing with every edit."""
    for number in range(12):
        (folder / "more.yml").write_text(f"# {number}\n", encoding="utf-8")
        load(folder)

    assert 1 <= len(cached_files("city.json")) < 12
    assert set(cache_folder().glob("city/*")) == {path.parent for path in cached_files("city.json")}


def test_find_prefers_what_is_named(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A named folder comes before $EGOV_CITY, that before the only city under inventory/."""
    other = tmp_path / "inventory" / "other"
    other.mkdir(parents=True)
    (other / "city.yml").touch()

    assert other == find(root=tmp_path)
    monkeypatch.setenv("EGOV_CITY", str(folder))
    assert folder == find(root=tmp_path)
    assert other == find(other, root=tmp_path)


def test_find_says_what_to_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No city, several cities and a folder that is none are errors that say what to do."""
    monkeypatch.delenv("EGOV_CITY", raising=False)
    with pytest.raises(UsageError, match=r"inventory holds 0 cities \(none\); name one with --city DIR or \$EGOV_CITY"):
        find(root=tmp_path)
    for name in ("a", "b"):
        (tmp_path / "inventory" / name).mkdir(parents=True)
        (tmp_path / "inventory" / name / "city.yml").touch()
    with pytest.raises(UsageError, match=r"holds 2 cities \(a, b\)"):
        find(root=tmp_path)
    with pytest.raises(UsageError, match=r"nowhere is not a folder; name a city's folder such as inventory/<city>"):
        find("nowhere")
