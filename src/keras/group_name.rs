//! The names of groups of weights in archives: a layer's class in snake case.

use super::classes::Kind;
use super::version::Keras;

/// Keras 3 saves this class under the name by which it exports it, `GroupQueryAttention`, and calls groups after the class itself.
const EXPORTED_OTHERWISE: &str = "GroupedQueryAttention";

/// What a layer of that class is called among the groups of its model, before it is numbered. (Keras 3: `to_snake_case` in
/// `utils/naming.py`; Keras 2: in `utils/generic_utils.py`.)
pub fn group_name(kind: Kind, class: &str, keras: Keras) -> String {
    let class = kind.class().map(|class| class.name).filter(|&name| name == EXPORTED_OTHERWISE).unwrap_or(class);
    // A registered class bears its package before its name.
    let class = class.rsplit('>').next().unwrap_or(class);
    let mut name = split_words(class).to_lowercase();
    if keras.marks_private_groups() && name.starts_with('_') {
        name.insert_str(0, "private");
    }
    name
}

/// An underscore before each capital that begins a word, and then before each that follows a small letter.
fn split_words(class: &str) -> String {
    let chars: Vec<char> = class.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect();
    let mut once: Vec<char> = Vec::with_capacity(chars.len() + 8);
    let mut at = 0;
    while at < chars.len() {
        once.push(chars[at]);
        at += 1;
        let word = chars.get(at..).unwrap_or_default();
        let small = word.iter().skip(1).take_while(|c| c.is_ascii_lowercase()).count();
        if word.first().is_some_and(char::is_ascii_uppercase) && small > 0 {
            once.push('_');
            once.extend(&word[..=small]);
            at += 1 + small;
        }
    }
    let mut twice = String::with_capacity(once.len() + 8);
    let mut is_free = true;
    for (at, &c) in once.iter().enumerate() {
        let is_split = is_free && at > 0 && once[at - 1].is_ascii_lowercase() && c.is_ascii_uppercase();
        if is_split {
            twice.push('_');
        }
        is_free = !is_split;
        twice.push(c);
    }
    twice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_written_as_keras_writes_it() {
        // As `to_snake_case` of Keras 3.15 and of tf_keras 2.21 answers.
        for (class, name) in [
            ("Conv2D", "conv2d"),
            ("Conv2DTranspose", "conv2d_transpose"),
            ("SeparableConv2D", "separable_conv2d"),
            ("BatchNormalization", "batch_normalization"),
            ("ReLU", "re_lu"),
            ("LSTM", "lstm"),
            ("ConvLSTM2D", "conv_lstm2d"),
            ("MaxPooling2D", "max_pooling2d"),
            ("ErrorSimulator", "error_simulator"),
            ("mine>ErrorSimulator", "error_simulator"),
            ("TFOpLambda", "tf_op_lambda"),
            ("StackedRNNCells", "stacked_rnn_cells"),
            ("aBCd", "a_b_cd"),
            ("ABcDE", "a_bc_de"),
            ("X", "x"),
        ] {
            assert_eq!(Keras::ALL.map(|keras| group_name(Kind::Other, class, keras)), [name, name], "{class}");
        }
        let query = crate::keras::classes::find("GroupQueryAttention").map(Kind::Keras).expect("a class of Keras");
        assert_eq!(group_name(query, "GroupQueryAttention", Keras::Three), "grouped_query_attention");
        assert_eq!(group_name(Kind::Other, "mine>GroupQueryAttention", Keras::Three), "group_query_attention");
        assert_eq!(Keras::ALL.map(|keras| group_name(Kind::Other, "_Mine", keras)), ["private__mine", "__mine"]);
    }
}
