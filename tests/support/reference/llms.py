"""docs/llms.txt: what there is to read, for programs that read (llmstxt.org): docs/README.md with a sentence of each page."""

import re
from typing import Final

from docs_site.repository import meant
from tests.support.command import ROOT

HEAD: Final = """# Sekisho

> Declarative role-based access control for Python. An issuer (Cognito, any OpenID provider) says who is calling, `policy.csv` says what they may
> do, Casbin's semantics decide, and nothing is allowed that no rule allows. A library (`rbac`), a checkpoint before any ASGI application
> (`rbac.guard`), a command (`rbac`), and a service (FastAPI, AuthZEN, forward-auth).
"""


def page() -> str:
    """The file."""
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    parts = [HEAD]
    for part in re.split(r"^## ", index, flags=re.MULTILINE)[1:]:
        heading, _, body = part.partition("\n")
        links = re.findall(r"^ *- \[([^]]+)\]\(([^)#]+\.md)\)(?:: (.+))?$", body, re.MULTILINE)
        parts.append(f"## {heading}\n")
        parts += [
            f"- [{title}]({target}): {said or _first_sentence(target)}" for title, target, said in links
        ] + [""]
    return "\n".join(parts)


def _first_sentence(target: str) -> str:
    text = (ROOT / meant("docs/README.md", target)).read_text(encoding="utf-8")
    prose = re.sub(r"^(```.*?^```|<!--.*?-->|[|!>#].*?$)", "", text, flags=re.MULTILINE | re.DOTALL)
    paragraph = next(each for each in prose.split("\n\n") if each.strip())
    line = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", " ".join(paragraph.split()))
    found = re.match(r".*?(?:[.:](?= |$)|。|$)", line)
    return (found[0] if found else line).rstrip(":")
