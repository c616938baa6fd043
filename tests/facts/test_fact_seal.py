"""Seals: untouched evidence verifies clean, and every way of touching it is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from egov.errors import DescriptionError, EvidenceError, UsageError
from egov.facts import RoomSurvey, RunWriter
from egov.facts.seal import current, evidence_hash, expire, seal, verify
from egov.facts.signing import DECISION_NAMESPACE, SEAL_NAMESPACE, Signer, sign, signers, verified_by
from egov.facts.store import manifest, root_hash, runs

MAY_1, MAY_2, MAY_3 = (datetime(2018, 5, day, 9, tzinfo=UTC) for day in (1, 2, 3))
FIRST, SECOND = "20180501T090000Z-survey", "20180502T090000Z-survey"
Keys = Callable[[str], Path]
Signers = dict[str, Signer]


def signer(keys: Keys, name: str, *roles: str, valid_from: date = date(2018, 1, 1), **fields: object) -> Signer:
    """Return someone whose public key is known."""
    public = " ".join(keys(name).with_suffix(".pub").read_text("utf-8").split()[:2])
    return Signer.model_validate(
        {"id": name, "name": name, "roles": roles, "key": public, "valid_from": valid_from, **fields}
    )


@pytest.fixture
def known(signing_key: Keys) -> Signers:
    """Return the city's signers: one who may seal, one who may only approve."""
    people = (signer(signing_key, "ops", "operator"), signer(signing_key, "leader", "approver"))
    return {person.id: person for person in people}


def collect(evidence: Path, started: datetime, *areas: float) -> None:
    """Write a run of surveyed rooms with the sheet they came from."""
    with RunWriter.begin(evidence, "survey", ["egov collect survey"], started) as run:
        run.raw("areas.csv", f"{areas}".encode())
        for number, area in enumerate(areas, 1):
            run.add(
                RoomSurvey(
                    observed_at=started,
                    collected_at=started,
                    source=f"areas.csv row {number}",
                    room=f"room-{number}",
                    area_m2=area,
                    area_kind="usable",
                    measured_by=f"surveyor {number}",
                )
            )


@pytest.fixture
def sealed(tmp_path: Path, signing_key: Keys) -> Path:
    """Return a store of two runs under a seal each."""
    collect(tmp_path, MAY_1, 18.5, 20.0, 33.25)
    seal(tmp_path, signing_key("ops"), MAY_1)
    collect(tmp_path, MAY_2, 21.0)
    seal(tmp_path, signing_key("ops"), MAY_2)
    return tmp_path


def damage(evidence: Path, known: Signers, upto: int | None = None) -> list[str]:
    """Return what is damaged, as text."""
    return list(map(str, verify(evidence, known, upto)))


def changed(path: Path, old: bytes, new: bytes) -> None:
    """Change the only place of *old* in a file."""
    data = path.read_bytes()
    assert data.count(old) == 1, f"{path}: {old!r} stands there {data.count(old)} times"
    path.write_bytes(data.replace(old, new))


def test_untouched_evidence_verifies(sealed: Path, known: Signers) -> None:
    """Two runs, two seals, nothing to say, up to each seal and as a whole."""
    assert [damage(sealed, known, upto) for upto in (1, 2, None)] == [[], [], []]
    assert current(sealed) == 2


def test_a_store_without_seals(tmp_path: Path, known: Signers) -> None:
    """Nothing sealed: no number, and every run is named as covered by none."""
    assert (current(tmp_path), damage(tmp_path, known)) == (0, [])
    collect(tmp_path, MAY_1, 18.5)

    assert [text.partition(":")[0] for text in damage(tmp_path, known)] == [f"run {FIRST}"]


def test_a_seal_covers_only_what_is_new(sealed: Path, signing_key: Keys) -> None:
    """Each run is in one seal; with nothing new there is none."""
    with pytest.raises(UsageError, match="nothing to seal"):
        seal(sealed, signing_key("ops"), MAY_3)

    written = [json.loads(path.read_text("utf-8")) for path in sorted((sealed / "seals").glob("*.json"))]
    assert [[run["run"] for run in content["runs"]] for content in written] == [[FIRST], [SECOND]]
    assert [content["seal"] for content in written] == [1, 2]


@pytest.mark.parametrize("row", [0, 1, 2])
def test_one_changed_byte_names_run_table_and_row(row: int, sealed: Path, known: Signers) -> None:
    """A single character of one row is found, and it is said which row of which table of which run."""
    table = sealed / "runs" / FIRST / "facts" / "RoomSurvey.parquet"
    data = table.read_bytes()  # rows come first; the footer may name the smallest and largest again
    table.write_bytes(data.replace(f"surveyor {row + 1}".encode(), f"surveyer {row + 1}".encode(), 1))

    assert damage(sealed, known) == [f"run {FIRST}: facts/RoomSurvey.parquet: row {row} was changed"]


def test_a_changed_number_names_its_row(sealed: Path, known: Signers) -> None:
    """33.25 m² made 32.25 m² is found in row 2."""
    import struct  # noqa: PLC0415 - only here

    table = sealed / "runs" / FIRST / "facts" / "RoomSurvey.parquet"
    data = table.read_bytes()
    old, new = struct.pack("<d", 33.25), struct.pack("<d", 32.25)
    start = data.index(old)  # the value; a second place may be the statistics in the footer
    table.write_bytes(data[:start] + new + data[start + 8 :])

    assert damage(sealed, known) == [f"run {FIRST}: facts/RoomSurvey.parquet: row 2 was changed"]


def test_any_changed_byte_of_any_file_is_found(sealed: Path, known: Signers) -> None:
    """Bytes all over rows, footers, manifest, raw data, seals and signatures: each is damage, none a crash."""
    unseen = []
    for path in sorted(p for p in sealed.rglob("*") if p.is_file()):
        data = path.read_bytes()
        step = max(len(data) // 12, 1)
        for position in range(0, len(data), step):
            path.write_bytes(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])
            if not damage(sealed, known):
                unseen.append((path.name, position, data[position : position + 1]))
        path.write_bytes(data)

    assert unseen == []


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        pytest.param("seals/0001.json", b'"root"', b'"riot"', id="a run's root renamed"),
        pytest.param("seals/0001.json", b'"runs"', b'"ruin"', id="no runs"),
        pytest.param("seals/0001.json", b'"seal": 1', b'"seal": 7', id="another number"),
        pytest.param("seals/0001.json", b"2018-05-01T", b"2017-05-01T", id="another day"),
        pytest.param("seals/0002.json", b'"expired": []', b'"expired": [1]', id="nonsense expired"),
        pytest.param("seals/0002.json", b'"seal"', b"seal", id="not JSON"),
    ],
)
def test_a_changed_seal_is_named(path: str, old: bytes, new: bytes, sealed: Path, known: Signers) -> None:
    """Whatever is changed in a seal, even into another form, is named with the seal's number."""
    changed(sealed / path, old, new)

    number = int(path[6:10])
    message = f"seal {number}: signature is not by a signer of this city, or the seal was changed"
    assert message in damage(sealed, known)


def test_a_replaced_seal_breaks_the_chain(sealed: Path, known: Signers, signing_key: Keys) -> None:
    """A seal written and signed anew by the operator himself is betrayed by the one after it."""
    path = sealed / "seals" / "0001.json"
    changed(path, b"2018-05-01T", b"2018-04-01T")
    Path(f"{path}.sig").write_text(sign(path.read_bytes(), signing_key("ops"), SEAL_NAMESPACE), "utf-8")

    assert damage(sealed, known) == ["seal 2: does not follow the seal before it"]


@pytest.mark.parametrize(("number", "found"), [("0001", "seal 2: does not follow the seal before it"), ("0002", None)])
def test_a_removed_seal_is_found(number: str, found: str | None, sealed: Path, known: Signers) -> None:
    """Without the first seal the second follows nothing; without the last its run is covered by none."""
    for path in (sealed / "seals").glob(f"{number}.*"):
        path.unlink()
    uncovered = f"run {FIRST if number == '0001' else SECOND}: no seal covers it"

    texts = damage(sealed, known)

    assert [uncovered] == [text[: len(uncovered)] for text in texts if text.startswith("run")]
    assert ([found] if found else []) == [text for text in texts if text.startswith("seal")]


def test_a_seal_without_its_signature_is_named(sealed: Path, known: Signers) -> None:
    """A seal whose signature is gone proves nothing."""
    (sealed / "seals" / "0002.json.sig").unlink()

    assert damage(sealed, known) == ["seal 2: has no signature"]


def test_a_removed_run_is_named(sealed: Path, known: Signers) -> None:
    """A run that a seal covers and that is no longer there."""
    shutil.rmtree(sealed / "runs" / FIRST)

    assert damage(sealed, known) == [f"run {FIRST}: was removed after it was sealed"]


def test_an_added_run_is_named_unless_an_earlier_seal_is_asked_about(sealed: Path, known: Signers) -> None:
    """A run that no seal covers is damage of the whole, but not of what seal 2 covers."""
    collect(sealed, MAY_3, 9.0)

    assert [text[:43] for text in damage(sealed, known)] == ["run 20180503T090000Z-survey: no seal covers "[:43]]
    assert damage(sealed, known, 2) == []


def test_a_renamed_run_is_removed_and_added(sealed: Path, known: Signers) -> None:
    """A run under another name is neither the one that was sealed nor known."""
    (sealed / "runs" / FIRST).rename(sealed / "runs" / "20180501T090000Z-hosts")

    assert [text.partition(":")[0] for text in damage(sealed, known)] == ["run 20180501T090000Z-hosts", f"run {FIRST}"]


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param({"tool": "egov 9"}, id="a field"),
        pytest.param({"files": {}}, id="files struck out"),
        pytest.param({"note": "added"}, id="a field added"),
    ],
)
@pytest.mark.parametrize("with_root", [False, True])
def test_a_changed_manifest_is_named(*, edit: dict[str, object], with_root: bool, sealed: Path, known: Signers) -> None:
    """A manifest that says something else is found, with its root recomputed or not."""
    run = sealed / "runs" / FIRST
    data = {**manifest(run), **edit}
    if with_root:
        data["root"] = root_hash(data)
    (run / "manifest.json").write_text(json.dumps(data), "utf-8")

    assert f"run {FIRST}: its manifest was changed after it was sealed" in damage(sealed, known)


@pytest.mark.parametrize("content", [None, "[]", "{"])
def test_a_manifest_that_cannot_be_read_is_named(content: str | None, sealed: Path, known: Signers) -> None:
    """No manifest, or one that is no object, is damage of that run and of no other."""
    path = sealed / "runs" / FIRST / "manifest.json"
    path.unlink() if content is None else path.write_text(content, "utf-8")

    (text,) = damage(sealed, known)

    assert text.startswith(f"run {FIRST}: run {FIRST}: its manifest ")


def test_files_added_removed_and_changed_are_named(sealed: Path, known: Signers) -> None:
    """Every file of a run is accounted for, and Parquet that can no longer be read is said to be so."""
    run = sealed / "runs" / FIRST
    (run / "raw" / "areas.csv").unlink()
    (run / "raw" / "more.csv").write_bytes(b"x")
    (run / "facts" / "RoomSurvey.parquet").write_bytes(b"PAR1 nothing PAR1")

    texts = damage(sealed, known)

    unreadable = f"run {FIRST}: facts/RoomSurvey.parquet was changed and can no longer be read"
    assert [text.partition(unreadable)[1] or text for text in texts] == [
        unreadable,
        f"run {FIRST}: raw/areas.csv was removed",
        f"run {FIRST}: raw/more.csv was added",
    ]


def test_a_file_that_became_a_link_is_no_longer_the_file(sealed: Path, known: Signers, tmp_path: Path) -> None:
    """A link to other content is a change like any other."""
    path = sealed / "runs" / FIRST / "raw" / "areas.csv"
    path.unlink()
    (tmp_path / "elsewhere").write_bytes(b"other")
    path.symlink_to(tmp_path / "elsewhere")

    assert damage(sealed, known) == [f"run {FIRST}: raw/areas.csv was changed"]


def test_a_seal_by_an_unknown_key_counts_for_nothing(tmp_path: Path, known: Signers, signing_key: Keys) -> None:
    """A seal is only as good as the list of signers: a stranger's is damage."""
    collect(tmp_path, MAY_1, 18.5)
    seal(tmp_path, signing_key("stranger"), MAY_1)

    assert damage(tmp_path, known) == [
        "seal 1: signature is not by a signer of this city, or the seal was changed",
    ]


@pytest.mark.parametrize(
    ("fields", "clean"),
    [
        pytest.param({}, True, id="operator"),
        pytest.param({"roles": ("approver",)}, False, id="not an operator"),
        pytest.param({"roles": ("approver", "operator")}, True, id="both"),
        pytest.param({"valid_from": date(2018, 5, 1)}, True, id="from that day"),
        pytest.param({"valid_from": date(2018, 5, 2)}, False, id="not yet"),
        pytest.param({"valid_to": date(2018, 5, 1)}, True, id="to that day"),
        pytest.param({"valid_to": date(2018, 4, 30)}, False, id="no longer"),
    ],
)
def test_who_may_seal_and_when(fields: dict[str, object], clean: bool, tmp_path: Path, signing_key: Keys) -> None:  # noqa: FBT001
    """Only an operator seals, with a key that is valid on the day of the seal, first and last day included."""
    collect(tmp_path, MAY_1, 18.5)
    seal(tmp_path, signing_key("ops"), MAY_1)
    person = signer(signing_key, "ops", "operator").model_copy(update=fields)

    expected = [] if clean else ["seal 1: signer ops may not seal on 2018-05-01"]
    assert expected == damage(tmp_path, {"ops": person})


def test_a_decision_s_signature_is_no_seal(tmp_path: Path, known: Signers, signing_key: Keys) -> None:
    """What the operator signed for another purpose cannot be used as a seal."""
    collect(tmp_path, MAY_1, 18.5)
    seal(tmp_path, signing_key("ops"), MAY_1)
    path = tmp_path / "seals" / "0001.json"
    Path(f"{path}.sig").write_text(sign(path.read_bytes(), signing_key("ops"), DECISION_NAMESPACE), "utf-8")

    assert len(damage(tmp_path, known)) == 1


def test_raw_data_expired_by_the_book_is_no_damage(sealed: Path, known: Signers, signing_key: Keys) -> None:
    """Expiry is announced, is damage until it is sealed, is none afterwards; name and hash stay on record."""
    recorded = manifest(sealed / "runs" / FIRST)["files"]["raw/areas.csv"]
    expire(sealed, FIRST, "raw/areas.csv", "个人信息保存期满")
    announced = damage(sealed, known)
    number = seal(sealed, signing_key("ops"), MAY_3)

    assert announced == [f"run {FIRST}: raw/areas.csv was removed"]
    assert (number, damage(sealed, known)) == (3, [])
    (event,) = json.loads((sealed / "seals" / "0003.json").read_text("utf-8"))["expired"]
    assert (event["file"], event["sha256"], event["reason"]) == ("raw/areas.csv", recorded, "个人信息保存期满")
    assert not (sealed / "expiry.jsonl").exists()


def test_raw_data_deleted_by_hand_stays_damage(sealed: Path, known: Signers, signing_key: Keys) -> None:
    """A later seal heals nothing that was not expired by the book."""
    (sealed / "runs" / FIRST / "raw" / "areas.csv").unlink()
    expire(sealed, SECOND, "raw/areas.csv", "个人信息保存期满")
    seal(sealed, signing_key("ops"), MAY_3)

    assert damage(sealed, known) == [f"run {FIRST}: raw/areas.csv was removed"]


@pytest.mark.parametrize("name", ["facts/RoomSurvey.parquet", "raw/none.csv", "manifest.json", "raw/../manifest.json"])
def test_only_raw_data_expires(name: str, sealed: Path, known: Signers) -> None:
    """Facts and manifests never expire, and what is not there cannot."""
    with pytest.raises(UsageError, match="has no raw file"):
        expire(sealed, FIRST, name, "-")

    assert damage(sealed, known) == []


def test_verify_up_to_a_seal(sealed: Path, known: Signers) -> None:
    """Damage of a later run is no damage of an earlier seal, and a seal that was never made is said not to exist."""
    changed(sealed / "runs" / SECOND / "raw" / "areas.csv", b"21.0", b"20.0")

    assert damage(sealed, known, 1) == []
    assert damage(sealed, known, 2) == [f"run {SECOND}: raw/areas.csv was changed"]
    assert damage(sealed, known, 3) == ["seal 3: does not exist"]


def test_sealing_without_a_key_changes_nothing(tmp_path: Path) -> None:
    """A missing key is named with the command that makes one, and no seal is begun."""
    collect(tmp_path, MAY_1, 18.5)

    with pytest.raises(UsageError, match=r"no signing key at .*ssh-keygen -t ed25519"):
        seal(tmp_path, tmp_path / "no-key", MAY_1)

    assert current(tmp_path) == 0


def test_sealing_over_a_broken_run_is_refused_with_its_name(tmp_path: Path, signing_key: Keys) -> None:
    """A run whose manifest is gone cannot be sealed."""
    collect(tmp_path, MAY_1, 18.5)
    (runs(tmp_path)[0] / "manifest.json").unlink()

    with pytest.raises(EvidenceError, match=f"run {FIRST}: its manifest cannot be read"):
        seal(tmp_path, signing_key("ops"), MAY_1)


def test_unsealed_evidence_has_a_hash_of_its_runs(tmp_path: Path) -> None:
    """The short hash on an unsealed report changes with every run."""
    hashes = [evidence_hash(tmp_path)]
    for moment in (MAY_1, MAY_2):
        collect(tmp_path, moment, 18.5)
        hashes.append(evidence_hash(tmp_path))

    assert (3, {16}) == (len(set(hashes)), {len(text) for text in hashes})


def test_a_signature_says_who_signed_what_for_what(known: Signers, signing_key: Keys) -> None:
    """The signer is found by the key alone; other bytes, another purpose or no signature find nobody."""
    signature = sign(b"data", signing_key("leader"), SEAL_NAMESPACE)

    assert verified_by(b"data", signature, known, SEAL_NAMESPACE) == known["leader"]
    assert [
        verified_by(b"date", signature, known, SEAL_NAMESPACE),
        verified_by(b"data", signature, known, DECISION_NAMESPACE),
        verified_by(b"data", signature, {"ops": known["ops"]}, SEAL_NAMESPACE),
        verified_by(b"data", "no signature", known, SEAL_NAMESPACE),
        verified_by(b"data", signature, {}, SEAL_NAMESPACE),
    ] == [None] * 5


def test_signers_are_read_with_the_place_of_every_problem(tmp_path: Path, signing_key: Keys) -> None:
    """A key of a kind nobody should use is refused where it stands; files that do not exist hold nobody."""
    public = " ".join(signing_key("ops").with_suffix(".pub").read_text("utf-8").split()[:2])
    entry = '  - {{id: {}, name: 值班员, roles: [operator], key: "{}", valid_from: 2018-01-01}}\n'
    (tmp_path / "signers.yml").write_text("signers:\n" + entry.format("ops", public), "utf-8")
    (tmp_path / "bad.yml").write_text("signers:\n" + entry.format("ops", "ssh-rsa AAAA"), "utf-8")

    assert list(signers([tmp_path / "signers.yml", tmp_path / "none.yml"])) == ["ops"]
    with pytest.raises(DescriptionError) as caught:
        signers([tmp_path / "bad.yml"])
    assert [(p.file, p.line, p.code) for p in caught.value.problems] == [("bad.yml", 2, "E206")]
