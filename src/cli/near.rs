//! Names that were probably meant, for hints.

use crate::text::listed;

/// The longest name that is compared with others, in bytes: the time that takes grows with the square.
const LONGEST_COMPARED: usize = 256;

/// The candidates that `name` was probably meant to be, the nearest first, at most three.
pub fn near<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut scored: Vec<(f64, &str)> = candidates
        .into_iter()
        .filter(|candidate| name.len().max(candidate.len()) <= LONGEST_COMPARED)
        .map(|candidate| (strsim::jaro_winkler(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(score, _)| *score > 0.8)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().take(3).map(|(_, candidate)| candidate).collect()
}

/// A hint on a name that does not exist: the near ones, else all there are (cut to twelve).
pub fn did_you_mean(what: &str, name: &str, there: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let there: Vec<_> = there.into_iter().collect();
    let close = near(name, there.iter().map(AsRef::as_ref));
    if close.is_empty() {
        format!("{what}: {}", listed(&there, 12))
    } else {
        format!("did you mean {}?", listed(&close, 3))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_come_nearest_first() {
        assert_eq!(near("conv2", ["dense", "conv2d", "conv2d_1"]), ["conv2d", "conv2d_1"]);
        assert!(near("zzz", ["dense", "conv2d"]).is_empty());
    }
}
