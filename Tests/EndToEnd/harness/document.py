"""The examples of docs/policy.md: each block of Cedar with the cases, or the refusal, that follow it."""

import re
from pathlib import Path

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "policy.md"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


class Example:
    """A policy text of the guide, and what the guide says of it."""

    def __init__(self, heading, policy, links, language, said):
        self.heading = heading
        self.policy = policy
        self.links = links
        self.cases = said if language == "yaml" else None
        self.text = said.strip() if language == "text" else None


def read():
    """The rule and the configuration that all examples know, and the examples in order."""
    text = GUIDE.read_text()
    blocks = [(match.group(1), match.group(2), match.start()) for match in FENCE.finditer(text)]
    cedar = [index for index, (language, _, _) in enumerate(blocks) if language == "cedar"]
    base, configuration = blocks[cedar[0]][1], blocks[cedar[0] + 1][1]
    examples = []
    for index in cedar[1:]:
        links = blocks[index + 1][1] if blocks[index + 1][0] == "json" else None
        language, said, _ = blocks[index + (2 if links else 1)]
        assert language in ("yaml", "text"), f"nothing follows the example {blocks[index][1]}"
        above = [match.group(1) for match in HEADING.finditer(text, 0, blocks[index][2])]
        examples.append(Example(above[-1], blocks[index][1], links, language, said))
    return base, configuration, examples
