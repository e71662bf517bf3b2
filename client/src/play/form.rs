//! A few questions that are answered in one go: fields, of which one is being written.

use super::hidden::Hidden;
use tui_input::{Input, InputRequest};

/// The fields, in order.
#[derive(Debug)]
pub(crate) struct Form {
    fields: Vec<Field>,
    at: usize,
    /// What is wrong with what was written, or what came of it.
    pub(crate) problem: Option<String>,
    /// It was sent, and the answer is due.
    pub(crate) waits: bool,
}

/// One question.
#[derive(Debug)]
pub(crate) struct Field {
    /// What stands before it.
    pub(crate) label: &'static str,
    /// What stands in it while it is empty.
    pub(crate) hint: &'static str,
    /// The answer.
    pub(crate) value: Value,
    /// Whether it is asked now.
    pub(crate) is_shown: bool,
}

/// An answer.
#[derive(Debug)]
pub(crate) enum Value {
    /// A line of text.
    Text(Input),
    /// A password.
    Hidden(Hidden),
    /// One of several.
    Choice {
        /// All of them.
        of: &'static [&'static str],
        /// Which.
        chosen: usize,
    },
}

impl Field {
    /// Asks for a line of text.
    pub(crate) fn text(label: &'static str, hint: &'static str, value: &str) -> Self {
        Self { label, hint, value: Value::Text(Input::new(value.into())), is_shown: true }
    }

    /// Asks for a password.
    pub(crate) fn hidden(label: &'static str, hint: &'static str) -> Self {
        Self { label, hint, value: Value::Hidden(Hidden::default()), is_shown: true }
    }

    /// Asks for one of several.
    pub(crate) fn choice(label: &'static str, of: &'static [&'static str], chosen: usize) -> Self {
        Self { label, hint: "", value: Value::Choice { of, chosen }, is_shown: true }
    }
}

impl Form {
    /// A form in which field `at` is written first.
    pub(crate) fn new(fields: Vec<Field>, at: usize) -> Self {
        Self { fields, at, problem: None, waits: false }
    }

    /// The fields that are asked, and whether each is being written.
    pub(crate) fn shown(&self) -> impl Iterator<Item = (&Field, bool)> {
        self.fields.iter().enumerate().filter(|(_, field)| field.is_shown).map(|(at, field)| (field, at == self.at))
    }

    /// Asks or does not ask a field.
    pub(crate) fn show(&mut self, at: usize, is_shown: bool) {
        self.fields[at].is_shown = is_shown;
    }

    /// What is written in a field; nothing where it is not asked.
    pub(crate) fn text(&self, at: usize) -> &str {
        match &self.fields[at] {
            Field { is_shown: false, .. } => "",
            Field { value: Value::Text(input), .. } => input.value(),
            Field { value: Value::Hidden(hidden), .. } => hidden.expose(),
            Field { value: Value::Choice { of, chosen }, .. } => of[*chosen],
        }
    }

    /// Which of several is chosen.
    pub(crate) fn chosen(&self, at: usize) -> usize {
        match self.fields[at].value {
            Value::Choice { chosen, .. } => chosen,
            Value::Text(_) | Value::Hidden(_) => 0,
        }
    }

    /// Writes something else into a field.
    pub(crate) fn set(&mut self, at: usize, text: &str) {
        match &mut self.fields[at].value {
            Value::Text(input) => *input = Input::new(text.into()),
            Value::Hidden(hidden) => {
                hidden.clear();
                text.chars().for_each(|letter| hidden.push(letter));
            }
            Value::Choice { of, chosen } => *chosen = of.iter().position(|of| *of == text).unwrap_or(*chosen),
        }
    }

    /// Goes to a field, and says what is wrong with it. A field that is merely empty and was not looked at yet is gone to
    /// without a word.
    pub(crate) fn ask_again(&mut self, at: usize, problem: impl Into<String>) {
        self.problem = (self.at == at || !self.text(at).is_empty()).then(|| problem.into());
        self.at = at;
    }

    /// Goes to the field after this one, or before it; around at the ends.
    pub(crate) fn go(&mut self, forward: bool) {
        let count = self.fields.len();
        let by = if forward { 1 } else { count - 1 };
        // At least the one it is at is asked.
        while {
            self.at = (self.at + by) % count;
            !self.fields[self.at].is_shown
        } {}
    }

    /// Changes the field that is being written.
    pub(crate) fn edit(&mut self, request: InputRequest) {
        use InputRequest as R;
        self.problem = None;
        match (&mut self.fields[self.at].value, request) {
            (Value::Text(input), request) => {
                input.handle(request);
            }
            (Value::Hidden(hidden), R::InsertChar(letter)) => hidden.push(letter),
            (Value::Hidden(hidden), R::DeletePrevChar) => hidden.pop(),
            (Value::Hidden(hidden), R::DeleteLine | R::DeletePrevWord) => hidden.clear(),
            (Value::Choice { of, chosen }, R::GoToNextChar | R::InsertChar(' ')) => {
                *chosen = (*chosen + 1) % of.len();
            }
            (Value::Choice { of, chosen }, R::GoToPrevChar) => *chosen = (*chosen + of.len() - 1) % of.len(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Field, Form, InputRequest as R};

    fn form() -> Form {
        let choice = Field::choice("as", &["guest", "owner"], 0);
        Form::new(vec![choice, Field::text("name", "", "Ann"), Field::hidden("password", "")], 1)
    }

    #[test]
    fn the_field_at_hand_is_written_and_the_others_stay() {
        let mut form = form();
        form.edit(R::InsertChar('e'));
        form.go(true);
        "long secret".chars().for_each(|letter| form.edit(R::InsertChar(letter)));
        form.edit(R::DeletePrevChar);
        assert_eq!([0, 1, 2].map(|at| form.text(at)), ["guest", "Anne", "long secre"]);
        form.edit(R::DeleteLine);
        form.go(true);
        form.edit(R::GoToPrevChar);
        assert_eq!([0, 1, 2].map(|at| form.text(at)), ["owner", "Anne", ""]);
        form.edit(R::InsertChar('x'));
        form.edit(R::InsertChar(' '));
        assert_eq!(form.text(0), "guest");
    }

    #[test]
    fn what_is_not_asked_is_passed_over_and_empty() {
        let mut form = form();
        form.set(2, "secret");
        form.show(2, false);
        form.go(true);
        assert_eq!(form.shown().position(|(_, at)| at), Some(0));
        form.go(false);
        assert_eq!(form.shown().position(|(_, at)| at), Some(1));
        assert_eq!((form.text(2), form.shown().count()), ("", 2));
    }

    #[test]
    fn an_empty_field_is_gone_to_before_anything_is_said_about_it() {
        let mut form = form();
        form.ask_again(2, "too short");
        assert_eq!(form.problem, None);
        form.ask_again(2, "too short");
        assert_eq!(form.problem.as_deref(), Some("too short"));
        form.edit(R::InsertChar('x'));
        assert_eq!(form.problem, None, "it is being mended");
        form.ask_again(1, "taken");
        assert_eq!(form.problem.as_deref(), Some("taken"));
    }
}
