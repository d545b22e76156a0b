//! What was found out, for people and programs. Pure.
//!
//! | file | what is in it |
//! |---|---|
//! | `page` | text for a terminal |

pub(crate) mod page;
