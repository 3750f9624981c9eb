//! Error models side by side, as SVG: of each spatial class the share that each model gives it, with its interval.

use std::io::{self, Write};

use super::MARGIN;
use super::svg::{self, px, text};
use crate::error_model::{Basis, Profile, Share};
use crate::pattern::SpatialClass;
use crate::text::short;

/// The colours of the models, told apart by people of each kind of colour-blindness and, by lightness, in print.
const COLOURS: [&str; MOST] = ["#4a9bd4", "#b8350a", "#e6b000", "#5a5a5a"];

/// The most models side by side.
pub const MOST: usize = 4;

/// Where bars begin, and how long one of 100 % is, in pixels.
const LEFT: f64 = 230.0;
const LENGTH: f64 = 440.0;

/// Beside a bar stands its share.
const BESIDE: f64 = 60.0;

/// A bar's height, and what is between two classes.
const BAR: f64 = 12.0;
const BETWEEN: f64 = 10.0;

/// A picture of two to [`MOST`] models.
#[derive(Debug)]
pub struct Comparison {
    profiles: Vec<Profile>,
}

impl Comparison {
    /// A picture of the first [`MOST`] profiles.
    pub fn new(mut profiles: Vec<Profile>) -> Self {
        profiles.truncate(MOST);
        Comparison { profiles }
    }

    /// The classes that any model has, the most frequent first.
    fn classes(&self) -> Vec<SpatialClass> {
        let greatest = |class: &SpatialClass| self.profiles.iter().map(|of| of.share(*class).share).fold(0.0, f64::max);
        let mut classes: Vec<_> = SpatialClass::ALL.into_iter().filter(|class| greatest(class) > 0.0).collect();
        classes.sort_by(|a, b| greatest(b).total_cmp(&greatest(a)));
        classes
    }

    /// How much of two models is the same, as a share of 1: the sum over the classes of the lesser share.
    fn overlap(&self) -> Option<f64> {
        let [one, other] = self.profiles.as_slice() else { return None };
        let classes = SpatialClass::ALL.into_iter();
        Some(classes.map(|class| one.share(class).share.min(other.share(class).share)).sum())
    }

    /// Writes the picture.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let classes = self.classes();
        let of_class = self.profiles.len() as f64 * BAR + BETWEEN;
        let legend = self.legend();
        let top = MARGIN + 13.0 + 16.0 * legend.len() as f64 + MARGIN;
        let bottom = top + classes.len() as f64 * of_class;
        let width = LEFT + LENGTH + BESIDE + MARGIN;
        svg::open(out, width, bottom + 16.0 + MARGIN, "Spatial classes of error models")?;
        writeln!(out, "{}", text("t", MARGIN, MARGIN + 13.0, "Spatial classes: shares of corrupted tensors"))?;
        for (line, (colour, words)) in legend.iter().enumerate() {
            let y = MARGIN + 13.0 + 16.0 * (line + 1) as f64;
            if let Some(colour) = colour {
                writeln!(
                    out,
                    r#"<rect x="{}" y="{}" width="10" height="10" fill="{colour}"/>"#,
                    px(MARGIN),
                    px(y - 9.0)
                )?;
            }
            writeln!(out, "{}", text("s", MARGIN + 15.0, y, words))?;
        }
        for percent in [0, 25, 50, 75, 100] {
            let x = LEFT + LENGTH * f64::from(percent) / 100.0;
            let [x, from, to, below] = [x, top - 4.0, bottom, bottom + 14.0].map(px);
            writeln!(out, r##"<path d="M{x} {from}V{to}" stroke="#d0d7de"/>"##)?;
            writeln!(out, r#"<text class="s" text-anchor="middle" x="{x}" y="{below}">{percent} %</text>"#)?;
        }
        for (row, class) in classes.into_iter().enumerate() {
            let y = top + row as f64 * of_class;
            let middle = y + self.profiles.len() as f64 * BAR / 2.0 + 4.0;
            writeln!(out, "{}", text("l e", LEFT - 8.0, middle, &class.to_string()))?;
            for (number, profile) in self.profiles.iter().enumerate() {
                bar(out, y + number as f64 * BAR, profile.share(class), COLOURS[number])?;
            }
        }
        writeln!(out, "</svg>")
    }

    /// A line for each model, and one for what they have in common.
    fn legend(&self) -> Vec<(Option<&'static str>, String)> {
        let models = self.profiles.iter().zip(COLOURS).map(|(profile, colour)| {
            let basis = match &profile.basis {
                Basis::Unknown => "number of tensors unknown, no interval".to_owned(),
                Basis::Tensors(tensors) => format!("{tensors} tensors, intervals of 95 %"),
                Basis::Layers(layers) => format!("mean of {layers} layers, 10th to 90th percentile"),
                Basis::Layer(name) => format!("measured on {}", short(name, 30)),
            };
            let sdc = match profile.sdc {
                None => String::new(),
                Some(sdc) => format!("; P(SDC) {}", percent(sdc.share)),
            };
            (Some(colour), format!("{}: {basis}{sdc}", short(&profile.id, 40)))
        });
        let overlap = self.overlap().map(|overlap| (None, format!("in common: {} of the shares", percent(overlap))));
        models.chain(overlap).collect()
    }
}

/// A bar with its interval and its share in words.
fn bar(out: &mut impl Write, y: f64, Share { share, low, high }: Share, colour: &str) -> io::Result<()> {
    let (top, height, length) = (px(y + 1.0), px(BAR - 2.0), px(LENGTH * share));
    writeln!(out, r#"<rect x="{}" y="{top}" width="{length}" height="{height}" fill="{colour}"/>"#, px(LEFT))?;
    let [from, to] = [low, high].map(|end| LEFT + LENGTH * end);
    let middle = y + BAR / 2.0;
    if low < high {
        let [from, to, y] = [from, to, middle].map(px);
        writeln!(out, r##"<path d="M{from} {y}H{to}m0 -3v6M{from} {y}m0 -3v6" stroke="#1f2328"/>"##)?;
    }
    let beside = to.max(LEFT + LENGTH * share) + 6.0;
    writeln!(out, "{}", text("s", beside, middle + 4.0, &percent(share)))
}

/// A share in percent, with as many digits as a picture needs.
fn percent(share: f64) -> String {
    match share * 100.0 {
        0.0 => "0".to_owned(),
        percent if percent < 0.1 => "< 0.1 %".to_owned(),
        percent if percent < 10.0 => format!("{percent:.1} %"),
        percent => format!("{percent:.0} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error_model::{Models, Wanted};

    fn picture(profiles: Vec<Profile>) -> String {
        let mut out = Vec::new();
        Comparison::new(profiles).write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn profile(set: &str, operator: &str) -> Profile {
        Models::new(set.as_ref()).profile(operator, &Wanted::default()).unwrap()
    }

    #[test]
    fn a_model_has_all_in_common_with_itself() {
        let model = profile("gpu-warp", "conv_gemm");
        let picture = picture(vec![model.clone(), model]);
        assert!(picture.contains(">in common: 100 % of the shares<"));
        assert!(picture.contains("gpu-warp/conv_gemm@"));
    }

    #[test]
    fn each_class_has_a_bar_of_each_model_and_an_interval_where_one_is_known() {
        let own = Profile {
            id: "own/relu@0".to_owned(),
            source: None,
            classes: vec![(SpatialClass::Single, Share { share: 0.75, low: 0.5, high: 0.9 })],
            sdc: Some(Share { share: 0.25, low: 0.25, high: 0.25 }),
            basis: Basis::Tensors(12),
        };
        let other = Profile {
            id: "other/relu@0".to_owned(),
            source: None,
            classes: vec![(SpatialClass::SameRow, Share { share: 1.0, low: 1.0, high: 1.0 })],
            sdc: None,
            basis: Basis::Unknown,
        };
        let picture = picture(vec![own, other]);
        assert!(picture.contains(">own/relu@0: 12 tensors, intervals of 95 %; P(SDC) 25 %<"));
        assert!(picture.contains(">other/relu@0: number of tensors unknown, no interval<"));
        assert!(picture.contains(">in common: 0 of the shares<"));
        assert_eq!(picture.matches(r#"height="10" fill="#).count(), 2 + 4, "two in the legend, two for each class");
        // The class that never occurred in twelve tensors has an interval as well.
        assert_eq!(picture.matches("stroke=\"#1f2328\"").count(), 2);
    }
}
