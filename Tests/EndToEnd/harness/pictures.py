"""Pictures of cards: their JSON drawn by a browser with one's own few rules, and kept as SVG, which is text.

Neither Slack nor Microsoft ships a renderer that runs without their services, so this shows what a card says and in
which order, not every shade of their looks.
"""

import base64
import html
import re

STYLE = """
* { box-sizing: border-box; margin: 0 }
body { background: #fff; color: #1d1c1d; font: 14px/1.45 Helvetica, Arial, sans-serif; margin: 16px 16px 0; width: 588px }
#card { border: 1px solid #d0d0d5; border-radius: 8px; display: flex; flex-direction: column; gap: 8px; padding: 14px }
h1 { font-size: 18px }
code, pre { font: 12px/1.45 "DejaVu Sans Mono", monospace; white-space: pre-wrap; overflow-wrap: anywhere }
.slack code, pre { background: #f4f4f5; border: 1px solid #dddde0; border-radius: 4px }
.slack code { color: #a5123f; padding: 0 2px }
pre { padding: 8px }
.context { color: #616061; font-size: 12px }
a { color: #1264a3; text-decoration: none }
.input { border: 1px solid #b8b8bd; border-radius: 4px; color: #77757a; padding: 8px }
.buttons { display: flex; gap: 8px }
.buttons span { background: #fff; border: 1px solid #b8b8bd; border-radius: 5px; font-weight: bold; padding: 5px 14px }
.buttons .primary, .buttons .positive { background: #007a5a; border-color: #007a5a; color: #fff }
.buttons .danger, .buttons .destructive { background: #c01343; border-color: #c01343; color: #fff }
"""

# Boxes with a colour or a border first, then each line of text where the browser put it.
TRACE = r"""
const shapes = [];
const walk = (node) => {
  if (node.nodeType === Node.TEXT_NODE) {
    const range = document.createRange(), style = getComputedStyle(node.parentElement), text = node.textContent;
    let line = null;
    const flush = () => { if (line && line.text.trim()) shapes.push({kind: "text", ...line}); line = null; };
    for (let i = 0; i < text.length;) {
      const size = text.codePointAt(i) > 0xffff ? 2 : 1;
      range.setStart(node, i); range.setEnd(node, i + size);
      const box = range.getClientRects()[0];
      if (box && box.width) {
        if (!line || Math.abs(line.top - box.top) > 2) {
          flush();
          line = {text: "", x: box.left, top: box.top, height: box.height, size: parseFloat(style.fontSize),
            color: style.color, bold: +style.fontWeight > 500, mono: /mono/i.test(style.fontFamily), right: 0};
        }
        line.text += text.slice(i, i + size); line.right = box.right;
      }
      i += size;
    }
    flush();
    return;
  }
  if (node.nodeType !== Node.ELEMENT_NODE) return;
  const style = getComputedStyle(node), filled = style.backgroundColor !== "rgba(0, 0, 0, 0)";
  if (filled || parseFloat(style.borderTopWidth)) {
    for (const box of node.getClientRects()) shapes.push({kind: "box", x: box.left, y: box.top, w: box.width,
      h: box.height, r: parseFloat(style.borderTopLeftRadius), fill: filled ? style.backgroundColor : "none",
      stroke: parseFloat(style.borderTopWidth) ? style.borderTopColor : "none"});
  }
  node.childNodes.forEach(walk);
};
walk(document.body);
const right = Math.max(...shapes.map((each) => each.kind === "box" ? each.x + each.w : each.right));
return {width: Math.ceil(right) + 16, height: Math.ceil(document.body.getBoundingClientRect().bottom) + 16, shapes};
"""


def slack(message):
    """A message of Slack as HTML, of the blocks that our cards have."""
    parts = []
    for block in message["blocks"]:
        match block["type"]:
            case "header":
                parts.append(f"<h1>{html.escape(block['text']['text'])}</h1>")
            case "section":
                parts.append(f"<div>{mrkdwn(block['text']['text'])}</div>")
            case "context":
                parts.append(f"<div class=context>{mrkdwn(block['elements'][0]['text'])}</div>")
            case "actions":
                buttons = [(each["text"]["text"], each.get("style", "")) for each in block["elements"]]
                parts.append(row(buttons))
            case "divider":
                parts.append("<hr>")
            case other:
                raise LookupError(f"no rule for {other}")
    return page("slack", parts)


def mrkdwn(text):
    """Slack's markup as far as we write it: fences, code, bold and links; entities stand for themselves."""
    parts = re.split(r"(```.*?```|`[^`]*`)", text, flags=re.DOTALL)
    for number, part in enumerate(parts):
        if part.startswith("```"):
            parts[number] = f"<pre>{part[3:-3].strip(chr(10))}</pre>"
        elif part.startswith("`"):
            parts[number] = f"<code>{part[1:-1]}</code>"
        else:
            part = re.sub(r"<(https?://[^|>]*)\|([^>]*)>", r"<a>\2</a>", part)
            parts[number] = re.sub(r"\*([^*]+)\*", r"<b>\1</b>", part).replace("\n", "<br>")
    return "".join(parts).replace("<br><pre>", "<pre>").replace("</pre><br>", "</pre>")


def teams(card):
    """An Adaptive Card as HTML, of the elements that our cards have."""
    parts = []
    for block in card["body"]:
        match block["type"]:
            case "TextBlock":
                parts.append(f"<h1>{html.escape(block['text'])}</h1>")
            case "RichTextBlock":
                parts.append(f"<div>{''.join(run(each) for each in block['inlines'])}</div>")
            case "Input.Text":
                parts.append(f"<div class=input>{html.escape(block['placeholder'])}</div>")
            case other:
                raise LookupError(f"no rule for {other}")
    parts.append(row([(each["title"], each.get("style", "")) for each in card["actions"]]))
    return page("teams", parts)


def run(inline):
    text = html.escape(inline["text"])
    if inline.get("fontType") == "Monospace":
        return f"<code>{text}</code>"
    return f"<b>{text}</b>" if inline.get("weight") == "Bolder" else text


def row(buttons):
    return "<div class=buttons>" + "".join(f"<span class='{style}'>{html.escape(name)}</span>" for name, style in buttons) + "</div>"


def page(kind, parts):
    return f"<!doctype html><meta charset=utf-8><style>{STYLE}</style><body class={kind}><div id=card>{''.join(parts)}</div>"


def svg(browser, text, label):
    """How the browser draws that page, as SVG."""
    browser.get("data:text/html;charset=utf-8;base64," + base64.b64encode(text.encode()).decode())
    drawing = browser.execute_script(TRACE)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{drawing["width"]}" height="{drawing["height"]}" role="img"'
        f' aria-label="{html.escape(label)}">',
    ]
    for shape in drawing["shapes"]:
        if shape["kind"] == "box":
            at = " ".join(f'{name}="{shape[key]:.1f}"' for name, key in
                          [("x", "x"), ("y", "y"), ("width", "w"), ("height", "h"), ("rx", "r")])
            lines.append(f'<rect {at} fill="{shape["fill"]}" stroke="{shape["stroke"]}"/>')
        else:
            size, words = shape["size"], html.escape(shape["text"].rstrip())
            family = "DejaVu Sans Mono, monospace" if shape["mono"] else "Helvetica, Arial, sans-serif"
            bold = ' font-weight="bold"' if shape["bold"] else ""
            base = shape["top"] + shape["height"] * 0.5 + size * 0.35
            lines.append(
                f'<text x="{shape["x"]:.1f}" y="{base:.1f}" font-family="{family}" font-size="{size:g}"{bold}'
                f' fill="{shape["color"]}" xml:space="preserve">{words}</text>'
            )
    return "\n".join([*lines, "</svg>", ""])


def texts(svg):
    """All words of a picture."""
    return " ".join(html.unescape(found) for found in re.findall(r"<text[^>]*>([^<]*)</text>", svg)).split()


def mail(text):
    """A mail's own HTML, on a page as wide as the others."""
    return text + "<style>body { margin: 16px !important; width: 588px !important }</style>"
