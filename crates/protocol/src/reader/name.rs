//! Names of members, and whether one occurs twice.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use super::Stop;

/// A string of a text that has to be text: the name of a member, a method.
#[derive(Debug, Clone)]
pub(crate) struct Name<'a> {
    text: Cow<'a, str>,
    /// Where it is spelled, between the quotes.
    at: Range<usize>,
}

impl<'a> Name<'a> {
    #[inline]
    pub(super) fn plain(text: &'a [u8], at: Range<usize>) -> Result<Self, Stop> {
        let spelled = std::str::from_utf8(&text[at.clone()]).map_err(|_| Stop::NoJson)?;
        Ok(Self { text: Cow::Borrowed(spelled), at })
    }

    #[cold]
    pub(super) fn decoded(text: &'a [u8], at: Range<usize>) -> Result<Self, Stop> {
        let spelled = &text[at.start - 1..at.end + 1];
        let Ok(spelled) = std::str::from_utf8(spelled) else { return Err(Stop::NoJson) };
        match serde_json::from_str::<String>(spelled) {
            Ok(decoded) => Ok(Self { text: Cow::Owned(decoded), at }),
            Err(_) => Err(Stop::NoText { at: at.start }),
        }
    }

    /// What it says.
    #[inline]
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The same, of the text that was read or of its own.
    pub(crate) fn into_text(self) -> Cow<'a, str> {
        self.text
    }

    /// Where it is spelled, between the quotes.
    pub(crate) fn at(&self) -> Range<usize> {
        self.at.clone()
    }

    /// Where it begins, for people.
    pub(crate) fn twice(&self) -> Stop {
        Stop::unfit(format!("the member `{}` occurs twice", self.text), self.at.end + 1)
    }
}

/// How many names are compared one by one.
const FEW: usize = 16;

/// Notices repeated names. Few are compared one by one; many are hashed, because comparing each with each would let a
/// body of a few megabytes keep us busy for minutes.
pub(crate) struct Seen<'a> {
    few: [&'a str; FEW],
    count: usize,
    many: Option<HashSet<Cow<'a, str>>>,
}

impl<'a> Seen<'a> {
    pub(crate) fn new() -> Self {
        Self { few: [""; FEW], count: 0, many: None }
    }

    /// Takes a name; an error if it was taken before.
    #[inline]
    pub(crate) fn take(&mut self, name: &Name<'a>) -> Result<(), Stop> {
        let is_new = match (&name.text, &mut self.many) {
            (Cow::Borrowed(text), None) if self.count < FEW => {
                let is_new = !self.few[..self.count].contains(text);
                self.few[self.count] = text;
                self.count += 1;
                is_new
            }
            _ => self.take_among_many(name),
        };
        if is_new { Ok(()) } else { Err(name.twice()) }
    }

    #[cold]
    fn take_among_many(&mut self, name: &Name<'a>) -> bool {
        let (few, count) = (&self.few, self.count);
        let many =
            self.many.get_or_insert_with(|| few[..count].iter().map(|text| Cow::Borrowed(*text)).collect());
        many.insert(name.text.clone())
    }
}
