//! One visit to the lease: at most a look, a word, and a look at what became of it.

use serde_json::{Value, json};

use super::document::Document;
use super::keeper::{Keeper, State, later};
use crate::clock::Timestamp;
use crate::cloud::{CallId, Machine, Next};
use crate::resource::call::{Answer, Call, OpError, Sent};
use crate::resource::error::Class;

/// A visit that is under way.
#[derive(Debug, Clone, Hash)]
pub struct Visit {
    keeper: Keeper,
    stage: Stage,
    /// How many calls were made, and whether the last is under way.
    calls: u32,
    open: bool,
}

#[derive(Debug, Clone, Hash)]
enum Stage {
    Begin,
    Look(After),
    Say(Word),
    Done,
}

/// What a look comes after.
#[derive(Debug, Clone, Copy, Hash)]
enum After {
    /// Nothing: what is free may be taken.
    Nothing,
    /// A word was refused, or its answer was lost; whether it was to take the place of another.
    Word { swapped: bool },
}

/// A word that is to be written.
#[derive(Debug, Clone, Hash)]
struct Word {
    document: Document,
    /// The object that it takes the place of; `None`: there is to be none.
    over: Option<String>,
}

impl Visit {
    pub(super) fn new(keeper: Keeper) -> Self {
        Self {
            keeper,
            stage: Stage::Begin,
            calls: 0,
            open: false,
        }
    }

    /// The keeper in the middle of it.
    pub fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    /// The keeper in the middle of it, to be told what is wanted of it.
    pub fn keeper_mut(&mut self) -> &mut Keeper {
        &mut self.keeper
    }

    /// Who holds it says so anew; everybody else looks first.
    fn begin(&mut self, now: Timestamp) -> Stage {
        self.keeper.began(now);
        match &self.keeper.state {
            State::Ours(ours) => {
                let over = Some(ours.etag.clone());
                self.say(over, now)
            }
            _ => Stage::Look(After::Nothing),
        }
    }

    fn say(&mut self, over: Option<String>, now: Timestamp) -> Stage {
        let document = self.keeper.word(now);
        Stage::Say(Word { document, over })
    }

    fn look(&self) -> Call {
        let at = &self.keeper.at;
        let body = json!({"Bucket": at.bucket, "Key": at.key});
        Call::new("GetObject", &at.scope, body)
    }

    fn put(&self, word: &Word) -> Call {
        let at = &self.keeper.at;
        let mut body = json!({
            "Bucket": at.bucket, "Key": at.key, "ContentType": "application/json",
        });
        match &word.over {
            Some(etag) => body["IfMatch"] = Value::from(etag.as_str()),
            None => body["IfNoneMatch"] = Value::from("*"),
        }
        let mut call = Call::new("PutObject", &at.scope, body);
        call.blob = Some(word.document.text().into_bytes().into());
        call
    }

    /// What a look showed.
    fn looked(&mut self, after: After, answer: Answer, now: Timestamp) -> Stage {
        let swapped = matches!(after, After::Word { swapped: true });
        match answer {
            Ok(found) => match read(&found) {
                Ok((etag, document)) => {
                    let from = self.counts_from(swapped, now);
                    self.keeper.saw(etag, document, now, from);
                }
                Err(why) => {
                    let words = format!("{}: {why}", self.keeper.at.uri());
                    self.keeper.saw_what(words);
                }
            },
            Err(error) if error.class == Class::NotFound => {
                self.keeper.saw_nothing(now);
                if swapped && matches!(self.keeper.state, State::Ours(_)) {
                    // Deleted: who still may go on makes it anew, and goes on.
                    return self.say(None, now);
                }
            }
            Err(error) => {
                self.keeper.failed(self.words(&error));
                return Stage::Done;
            }
        }
        match after {
            After::Nothing => self.take_what_is_free(now),
            After::Word { .. } => Stage::Done,
        }
    }

    /// From when on something may be changed under a lease that was not ours before. One that took
    /// the place of nothing may follow one that was deleted, whose holder does not know it yet.
    fn counts_from(&mut self, swapped: bool, now: Timestamp) -> Timestamp {
        if swapped {
            return now;
        }
        self.keeper.forget_lapsed(now);
        later(now, self.keeper.terms.settle)
    }

    fn take_what_is_free(&mut self, now: Timestamp) -> Stage {
        let over = match &self.keeper.state {
            _ if self.keeper.is_leaving() => return Stage::Done,
            State::Absent => None,
            State::Elsewhere {
                etag,
                document,
                watched,
            } if self.keeper.free_at(document, *watched) <= now => Some(etag.clone()),
            // It arrived late, and nobody was told.
            State::Ours(ours) => Some(ours.etag.clone()),
            _ => return Stage::Done,
        };
        self.say(over, now)
    }

    /// What became of a word.
    fn said(&mut self, word: Word, answer: Answer, now: Timestamp) -> Stage {
        let swapped = word.over.is_some();
        match answer {
            Ok(answer) => {
                let from = self.counts_from(swapped, now);
                let etag = answer["ETag"].as_str().unwrap_or_default().to_owned();
                self.keeper.saw(etag, word.document, now, from);
                Stage::Done
            }
            Err(error) => {
                let resolved = matches!(error.class, Class::Overtaken | Class::NotFound)
                    || error.sent == Sent::Maybe;
                self.keeper.failed(self.words(&error));
                if resolved {
                    Stage::Look(After::Word { swapped })
                } else {
                    Stage::Done
                }
            }
        }
    }

    fn words(&self, error: &OpError) -> String {
        format!("{}: {error}", self.keeper.at.uri())
    }
}

/// The object's tag and what is in it.
fn read(found: &Value) -> Result<(String, Document), String> {
    let text = |member: &str| found[member].as_str().unwrap_or_default();
    let document = Document::read(text("Body")).map_err(|error| error.to_string())?;
    Ok((text("ETag").to_owned(), document))
}

impl Machine for Visit {
    type Output = Keeper;

    fn next(&mut self, now: Timestamp) -> Next {
        if self.open {
            return Next::Calls(Vec::new());
        }
        if matches!(self.stage, Stage::Begin) {
            self.stage = self.begin(now);
        }
        let call = match &self.stage {
            Stage::Look(_) => self.look(),
            Stage::Say(word) => self.put(word),
            Stage::Begin | Stage::Done => return Next::Done,
        };
        self.calls += 1;
        self.open = true;
        Next::Calls(vec![(CallId(self.calls), call)])
    }

    fn done(&mut self, id: CallId, answer: Answer, now: Timestamp) {
        if !self.open || id != CallId(self.calls) {
            return;
        }
        self.open = false;
        self.stage = match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Look(after) => self.looked(after, answer, now),
            Stage::Say(word) => self.said(word, answer, now),
            Stage::Begin | Stage::Done => Stage::Done,
        };
    }

    fn finish(self) -> Keeper {
        self.keeper
    }
}
