"""The ontology file and each way of its being wrong."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tocsin.data.ontology import ONTOLOGY_FILE, Ontology, OntologyError, load_ontology, read_ontology

GUIDE = Path(__file__).resolve().parents[2] / "shared" / "annotation-guide.md"
RAW = json.loads(ONTOLOGY_FILE.read_text(encoding="utf-8"))


def test_has_what_the_guide_lists(ontology: Ontology) -> None:
    assert len(ontology.types) == 43
    assert ontology.entity_names == [
        "person", "organization", "location", "facility", "weapon", "vehicle", "date", "casualties",
    ]  # fmt: skip
    assert ontology.role_names == ["trigger", "actor", "target"]
    assert load_ontology() is load_ontology()  # read once


@pytest.mark.skipif(not GUIDE.exists(), reason="the annotation guide is not beside the checkout")
def test_crosswalk_agrees_with_the_guide_and_wording_is_ours(ontology: Ontology) -> None:
    rows = re.findall(r"^\| (\w+) \| (\w+) \| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$", GUIDE.read_text("utf-8"), re.M)
    rows = [row for row in rows if row[0] in ontology.groups]
    assert [row[1] for row in rows] == ontology.type_names
    for group, name, definition, acled, plover, cameo in rows:
        kind = ontology.event_type(name)
        assert kind.group == group
        assert (kind.acled_sub_event_type or "–") == acled
        assert (kind.plover or "–") == plover
        assert (", ".join(kind.cameo) or "–") == cameo
        assert kind.definition != definition


def edit(*path: str | int, value: Any) -> Callable[[Any], None]:
    def apply(raw: Any) -> None:
        for key in path[:-1]:
            raw = raw[key]
        if value is ...:
            del raw[path[-1]]
        else:
            raw[path[-1]] = value

    return apply


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (edit("version", value=...), "missing field 'version'"),
        (edit("extra", value=1), "unknown field 'extra'"),
        (edit("groups", value=[]), "field 'groups'"),
        (edit("groups", "nothing", value="x"), "group 'nothing' has no type"),
        (edit("types", value=[]), "field 'types'"),
        (edit("types", 3, value="x"), "types[3]: expected an object"),
        (edit("types", 0, "definition", value=" "), "field 'definition'"),
        (edit("groups", "battle", value=None), "field 'battle'"),
        (edit("types", 0, "name", value="none"), "field 'name'"),
        (edit("types", 0, "plover", value=["ASSAULT"]), "unknown PLOVER event ['ASSAULT']"),
        (edit("types", 0, "cameo", value=["¹9"]), "field 'cameo'"),
        (edit("roles", 0, "markup", value="trig-ger"), "field 'markup'"),
        (edit("types", 0, "group", value="war"), "unknown group 'war'"),
        (edit("types", 1, "name", value="armed_clash"), "type 'armed_clash' appears twice"),
        (edit("types", 0, "acled", "sub_event_type", value="Fight"), "unknown ACLED sub-event type 'Fight'"),
        (edit("types", 0, "acled", "event_type", value="Riots"), "belongs to 'Battles'"),
        (edit("types", 0, "plover", value="FIGHT"), "unknown PLOVER event 'FIGHT'"),
        (edit("types", 0, "cameo", value=["21"]), "field 'cameo'"),
        (edit("types", 0, "cameo", value="19"), "field 'cameo'"),
        (edit("types", 0, "quad_class", value="verbal_conflict"), "does not follow from CAMEO"),
        (edit("types", 0, "quad_class", value=None), "does not follow from CAMEO"),
        (edit("entities", value=[]), "entities: expected a non-empty list"),
        (edit("roles", 0, "markup", value=...), "roles[0]: missing field 'markup'"),
        (edit("roles", 0, "name", value="person"), "label 'person' appears twice"),
        (edit("roles", 0, "markup", value="per"), "markup name 'per' appears twice"),
    ],
)
def test_each_way_of_being_wrong_is_named(change: Callable[[Any], None], message: str, tmp_path: Path) -> None:
    raw = copy.deepcopy(RAW)
    change(raw)
    path = tmp_path / "ontology.json"
    path.write_text(json.dumps(raw))
    with pytest.raises(OntologyError, match=re.escape(message)) as error:
        read_ontology(path)
    assert str(path) in str(error.value)


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(OntologyError, match="cannot be read"):
        read_ontology(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(OntologyError, match="not valid JSON"):
        read_ontology(tmp_path / "bad.json")
