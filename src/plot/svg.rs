//! The few pieces of SVG that a sheet is made of.

use std::io::{self, Write};

use super::kind::Kind;
use super::view::View;
use crate::text::shown;

/// Opens the picture: size, title, style, background.
pub fn open(out: &mut impl Write, width: f64, height: f64, title: &str) -> io::Result<()> {
    let (w, h) = (px(width), px(height));
    writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img">"#
    )?;
    writeln!(out, "<title>{}</title>", escaped(title))?;
    writeln!(out, "<style>")?;
    writeln!(out, "text{{font-family:Helvetica,Arial,'DejaVu Sans',sans-serif;fill:#1f2328}}")?;
    writeln!(out, ".t{{font-size:15px;font-weight:bold}}.p{{font-size:12px;font-weight:bold}}.l{{font-size:11px}}")?;
    writeln!(out, ".s{{font-size:11px;fill:#57606a}}.c{{font-size:9px;fill:#57606a}}.e{{text-anchor:end}}")?;
    writeln!(
        out,
        ".b{{fill:#f3f4f6}}.d{{fill:#fff;stroke:#d0d7de}}.m{{fill:#e8eaed}}.r{{stroke:#fff;stroke-width:.1}}"
    )?;
    for kind in Kind::ALL {
        write!(out, ".{}{{fill:{}}}", kind.css(), kind.colour())?;
    }
    writeln!(out, "\n</style>")?;
    writeln!(out, r#"<rect class="b" width="{w}" height="{h}"/>"#)
}

/// Defines the raster of a map, a line between any two cells.
pub fn raster(out: &mut impl Write, View { down, across, .. }: View) -> io::Result<()> {
    if down.max(across) > super::panel::MOST_SQUARES {
        return Ok(());
    }
    write!(out, r#"<defs><path id="r" class="r" d=""#)?;
    (1..across).try_for_each(|column| write!(out, "M{column} 0v{down}"))?;
    (1..down).try_for_each(|row| write!(out, "M0 {row}h{across}"))?;
    writeln!(out, r#""/></defs>"#)
}

/// A text element of one class of the style sheet.
pub fn text(class: &str, x: f64, y: f64, words: &str) -> String {
    format!(r#"<text class="{class}" x="{}" y="{}">{}</text>"#, px(x), px(y), escaped(words))
}

/// A length in pixels, to a hundredth.
pub fn px(length: f64) -> String {
    let text = format!("{length:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A text as XML takes it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in shown(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // No XML may hold these two.
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped() {
        assert_eq!(
            text("p", 1.0, 2.5, "<&>\n\u{1}\u{ffff}"),
            "<text class=\"p\" x=\"1\" y=\"2.5\">&lt;&amp;&gt;\\n\\u{1}\u{fffd}</text>"
        );
    }

    #[test]
    fn lengths_have_no_more_digits_than_they_need() {
        assert_eq!([px(12.0), px(100.0), px(0.1 + 0.2), px(1.0 / 3.0)], ["12", "100", "0.3", "0.33"]);
    }
}
