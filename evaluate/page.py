"""One self-contained HTML page: a body with its styles, scripts and data inlined, to be opened from disk.

Each page is three files in ``pages/``, ``NAME.html``, ``NAME.css`` and ``NAME.js``, and the shared ``base.css`` and
``common.js``. The page forbids itself the network and any script but its own (Content Security Policy by hash), so that
no text it shows can do either.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tocsin.data.ontology import Ontology

_FOLDER = Path(__file__).resolve().with_name("pages")


def render_page(name: str, title: str, data: Mapping[str, Any]) -> str:
    """The page ``name`` ("benchmark" or "view") with ``data``, which its script finds as ``DATA``.

    Half of a UTF-16 pair, which no file can hold, is shown as U+FFFD. Raises ``ValueError`` for numbers that JSON does
    not have: a page with NaN would be empty.
    """

    def read(file: str) -> str:
        return (_FOLDER / file).read_text(encoding="utf-8")

    style = read("base.css") + read(f"{name}.css")
    script = read("common.js") + read(f"{name}.js")
    embedded = json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=str, allow_nan=False)
    page = read("shell.html").format(
        title=html.escape(title),
        policy=f"default-src 'none'; style-src {_source(style)}; script-src {_source(script)}; base-uri 'none'",
        style=style,
        body=read(f"{name}.html"),
        # "<" could end the script element that holds the data; inside JSON it only occurs in strings.
        data=embedded.replace("<", "\\u003c"),
        script=script,
    )
    return re.sub("[\ud800-\udfff]", "\ufffd", page)


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def label_names(ontology: Ontology) -> dict[str, Any]:
    """What both pages say about labels: "types" (name -> group and definition), "groups", "tooltips" (of entities and
    roles), and which are "roles"."""
    return {
        "types": {kind.name: {"group": kind.group, "definition": kind.definition} for kind in ontology.types},
        "groups": dict(ontology.groups),
        "tooltips": {label.name: label.definition for label in (*ontology.entities, *ontology.roles)},
        "roles": ontology.role_names,
    }
