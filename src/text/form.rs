//! The normal form of texts: how a text is written wherever it is stored or compared.
//!
//! It is NFC, without characters that cannot be seen, save where they change what is seen: joiners in the scripts and
//! emoji that are written with them, variation selectors behind what they vary, and the tags of flags.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{CanonicalCombiningClass, DefaultIgnorableCodePoint, EmojiModifier, ExtendedPictographic, JoiningType},
};

const NFC: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfc();

/// A text in its normal form. The white space around it stays.
#[must_use]
pub fn normal(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut form = NFC.normalize(text);
    // What is left out may leave another out that stood beside it, and lets letters and marks come together.
    while form.contains(is_hidden) {
        let seen = seen(&form);
        if seen.len() == form.len() {
            break;
        }
        form = Cow::Owned(NFC.normalize(&seen).into_owned());
    }
    form
}

/// A text in its normal form, without the white space around it.
#[must_use]
pub fn tidy(text: &str) -> Cow<'_, str> {
    match normal(text) {
        Cow::Borrowed(form) => Cow::Borrowed(form.trim()),
        Cow::Owned(form) => Cow::Owned(form.trim().to_owned()),
    }
}

/// Whether a character leaves no mark of its own: joiners, selectors, fillers, directions and the like.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    // Anchors of interlinear annotation are not among those that fonts are to ignore, and are not shown either.
    !c.is_ascii()
        && (CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c) || ('\u{fff9}'..='\u{fffb}').contains(&c))
}

/// A text without the hidden characters that change nothing where they stand.
fn seen(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut kept = String::with_capacity(text.len());
    // Whether the last letter that was kept joins the one after it: carried along, since marks may stand between.
    let (mut previous, mut joins) = (None, false);
    for (at, &c) in chars.iter().enumerate() {
        if !is_hidden(c) || shows(c, (previous, joins), &chars[at + 1..]) {
            kept.push(c);
            previous = Some(c);
            match joining(c) {
                JoiningType::Transparent => {}
                ty => joins = matches!(ty, JoiningType::DualJoining | JoiningType::LeftJoining),
            }
        }
    }
    kept
}

/// Whether a hidden character changes what stands beside it.
fn shows(c: char, (previous, joins): (Option<char>, bool), after: &[char]) -> bool {
    let next = after.first().copied();
    match c {
        // Joiners, as UAX #31 has them: beside a virama, between letters that join, and in emoji.
        '\u{200c}' => beside_virama(previous, next) || (joins && joined_to(after)),
        '\u{200d}' => beside_virama(previous, next) || (joins != joined_to(after)) || in_emoji(previous, next),
        // Variation selectors of emoji and ideographs.
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => {
            previous.is_some_and(|c| !c.is_whitespace() && !c.is_control() && !is_hidden(c))
        }
        // Mongolian: the vowel separator and selectors of letter forms.
        '\u{180b}'..='\u{180f}' => previous.is_some_and(|c| ('\u{1820}'..='\u{18aa}').contains(&c)),
        // Fillers of syllables that lack a letter, in old Hangul.
        '\u{115f}' | '\u{1160}' => previous.is_some_and(is_jamo) || next.is_some_and(is_jamo),
        // The region of a flag.
        '\u{e0020}'..='\u{e007f}' => {
            previous.is_some_and(|c| c == '\u{1f3f4}' || ('\u{e0020}'..='\u{e007e}').contains(&c))
        }
        _ => false,
    }
}

fn beside_virama(previous: Option<char>, next: Option<char>) -> bool {
    let is_virama = |c| CodePointMapData::<CanonicalCombiningClass>::new().get(c) == CanonicalCombiningClass::Virama;
    previous.is_some_and(|c| is_virama(c) || next.is_some_and(is_virama))
}

fn in_emoji(previous: Option<char>, next: Option<char>) -> bool {
    let is_picture = |c| CodePointSetData::new::<ExtendedPictographic>().contains(c);
    let is_end = |c| is_picture(c) || c == '\u{fe0f}' || CodePointSetData::new::<EmojiModifier>().contains(c);
    previous.is_some_and(is_end) && next.is_some_and(is_picture)
}

fn joining(c: char) -> JoiningType {
    CodePointMapData::<JoiningType>::new().get(c)
}

/// Whether the first letter joins the one before it.
fn joined_to(after: &[char]) -> bool {
    let letter = after.iter().map(|c| joining(*c)).find(|ty| *ty != JoiningType::Transparent);
    matches!(letter, Some(JoiningType::DualJoining | JoiningType::RightJoining))
}

fn is_jamo(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{11ff}' | '\u{a960}'..='\u{a97c}' | '\u{d7b0}'..='\u{d7fb}') && !is_hidden(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_cannot_be_seen_is_left_out() {
        for hidden in [
            "\u{200b}",
            "\u{feff}",
            "\u{ad}",
            "\u{202e}",
            "\u{2066}",
            "\u{200f}",
            "\u{200d}",
            "\u{200c}",
            "\u{2060}",
            "\u{3164}",
            "\u{34f}",
            "\u{e0041}",
            "\u{180e}",
            "\u{fff9}",
            "\u{61c}",
            "\u{1160}",
        ] {
            assert_eq!(normal(&format!("{hidden}Ac{hidden}me{hidden}")), "Acme", "{}", hidden.escape_unicode());
            assert_eq!(normal(hidden), "", "{}", hidden.escape_unicode());
        }
        assert_eq!(normal("Mu\u{200b}\u{308}ller"), "Müller");
        assert_eq!(normal("Mu\u{308}ller & ｶﾞ"), "Müller & ｶﾞ", "another width is another spelling");
    }

    #[test]
    fn what_changes_its_neighbours_stays() {
        for text in [
            "می\u{200c}خواهم",                                          // Persian: two letters that do not join
            "ه\u{200d}",                                                // Arabic script: a letter in its joining form
            "क\u{94d}\u{200d}ष",                                        // Devanagari: a half form
            "র\u{200d}\u{9cd}য",                                        // Bengali: ya-phala after ra
            "ශ\u{dca}\u{200d}ර\u{dd3}",                                 // Sinhala
            "👩\u{200d}👩\u{200d}👧",                                   // a family
            "👩🏽\u{200d}🚀",                                             // a person of a skin tone and a profession
            "❤\u{fe0f}\u{200d}🔥",                                      // a selector and a joiner
            "葛\u{e0100}城",                                            // a variant of an ideograph
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}", // the flag of England
            "\u{600}١٢", // Arabic number sign: a format character that is seen
        ] {
            assert_eq!(normal(text), text, "{}", text.escape_unicode());
        }
    }

    #[test]
    fn a_text_of_marks_and_joiners_takes_time_by_its_length() {
        let marks = format!("a{}{}", "\u{301}".repeat(200_000), "\u{200d}".repeat(200_000));
        assert_eq!(normal(&marks).chars().filter(|c| *c == '\u{200d}').count(), 0);
    }

    proptest! {
        #[test]
        fn the_normal_form_of_a_normal_form_is_itself(
            text in "[\u{200b}-\u{200f}\u{fe0f}\u{e0100}a\u{301}\u{308}ب\u{627}\u{654}क\u{94d}र\u{9cd}👩🏽🏴\u{e0062}ㅤ\u{1160}\u{1100}\u{180b}\u{1820}\u{34f}\\PC]{0,12}"
        ) {
            let once = normal(&text).into_owned();
            prop_assert_eq!(normal(&once).into_owned(), once.clone());
            prop_assert!(NFC.is_normalized(&once));
        }
    }
}
