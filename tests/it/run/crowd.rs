//! Many who push to one branch, trueup among them.

use tokio::task::JoinSet;
use trueup::demo::example::IMPROVEMENT;

use super::bots;
use super::daemon::Daemon;

const BOTS: usize = 5;
/// Pushes of each bot.
const PUSHES: usize = 3;
const RELEASE: &str = "models/mortgage/releases/staging.yaml";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pain_20_what_a_person_and_five_bots_push_lands_and_so_does_the_release() {
    let mut daemon = Daemon::start();
    let first = daemon.serves("staging", "the first model", |_| true).await;
    let mut pushing = JoinSet::new();
    for bot in 0..BOTS {
        let person = daemon.person.another(bot);
        pushing.spawn_blocking(move || {
            let numbers = (0..PUSHES).map(|push| 100 * (bot + 1) + push);
            numbers
                .map(|number| person.write(&[bots::writes(number)]))
                .collect::<Vec<_>>()
        });
    }
    let mut pushed = vec![daemon.person.change("Learn from more", &[IMPROVEMENT])];
    daemon
        .serves("staging", "the better model", |config| config != first)
        .await;
    pushed.extend(pushing.join_all().await.into_iter().flatten());
    daemon.stays_quiet("the crowd").await;
    assert_eq!(pushed.len(), 1 + BOTS * PUSHES);
    for commit in &pushed {
        assert!(daemon.person.main_holds(commit), "{commit} is lost");
    }
    assert_eq!(daemon.person.commits_of(RELEASE), 2, "one for each model");
}
