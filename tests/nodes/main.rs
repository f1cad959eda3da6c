//! Several nodes on one `PostgreSQL`, as real processes: what one of them ends is over on the others, what is to happen once
//! happens once, and a limit is one limit. `scripts/test postgres` brings what they need; time is real here.

#[path = "../browser/audit.rs"]
mod audit;
mod cable;
mod node;
mod redis;
#[expect(dead_code, reason = "the gateways' tests read more of an answer")]
#[path = "../gateways/wire.rs"]
mod wire;

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use cable::Cable;
use node::{Installation, Key, Node, bearer};
use redis::Redis;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longer than a node waits for Redis before it counts alone.
const A_STALL: Duration = Duration::from_secs(2);
const LIMIT: u32 = 60;

/// Presents a key until it is refused; answers how long after `since` it was let through last, if it was.
async fn passes_until(node: &Node, key: &Key, since: Instant) -> Duration {
    let mut client = node.connect().await;
    let mut last = Duration::ZERO;
    let refused = async {
        loop {
            let sent = Instant::now();
            if client.ask("GET /gate/authorize", &bearer(&key.secret), "").await.status() != 200 {
                return;
            }
            last = sent - since;
        }
    };
    timeout(PATIENCE, refused).await.expect("a refusal");
    last
}

/// Waits until the node lets the key through.
async fn passes_again(node: &Node, key: &Key) {
    let mut client = node.connect().await;
    let passes = async { while client.ask("GET /gate/authorize", &bearer(&key.secret), "").await.status() != 200 {} };
    timeout(PATIENCE, passes).await.expect("the node recovers");
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test postgres"]
async fn a_key_deleted_on_one_node_is_refused_on_the_other_within_a_second() {
    let installation = Installation::new(0, None).await;
    let (here, there) = (installation.node("here"), installation.node("there"));
    let token = here.sign_up().await;
    for number in 0..5 {
        let key = here.key(&token, &format!("key {number}")).await;
        assert_eq!(there.judges(&key.secret).await.status(), 200);
        here.delete(&token, &key).await;
        let late = passes_until(&there, &key, Instant::now()).await;
        assert!(late <= Duration::from_secs(1), "let through for {late:?}");
        assert_eq!(here.judges(&key.secret).await.status(), 401);
    }
    assert!(!installation.logged("here").contains("KEYDESK_REDIS_URL"), "nothing is limited");
}

// The cable goes on while a node starts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: run scripts/test postgres"]
async fn a_node_that_cannot_hear_refuses_within_two_seconds_and_comes_back() {
    let installation = Installation::new(0, None).await;
    let (cable, through) = Cable::lay(&installation.database).await;
    let (here, there) = (installation.node("here"), installation.node_at("there", &through));
    let token = here.sign_up().await;
    let [gone, other] = [here.key(&token, "gone").await, here.key(&token, "other").await];
    for key in [&gone, &other] {
        passes_again(&there, key).await;
    }
    cable.cut();
    here.delete(&token, &gone).await;
    let deleted = Instant::now();
    let late = passes_until(&there, &gone, deleted).await;
    assert!(late <= Duration::from_secs(2), "let through for {late:?}");
    let refusal = there.judges(&other.secret).await;
    assert_eq!((refusal.status(), refusal.one("retry-after")), (503, Some("5")), "nobody else is called wrong");
    cable.mend();
    passes_again(&there, &other).await;
    assert_eq!(there.judges(&gone.secret).await.status(), 401);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test postgres"]
async fn a_node_whose_listening_connection_is_ended_misses_nothing() {
    let installation = Installation::new(0, None).await;
    let (here, there) = (installation.node("here"), installation.node("there"));
    let token = here.sign_up().await;
    for number in 0..5 {
        let key = here.key(&token, &format!("key {number}")).await;
        passes_again(&there, &key).await;
        let listening = "select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and pid <> pg_backend_pid() and query like '%pg_notify($1, '''')%'";
        installation.run(listening).await;
        here.delete(&token, &key).await;
        let late = passes_until(&there, &key, Instant::now()).await;
        assert!(late <= Duration::from_secs(2), "let through for {late:?}");
    }
    assert!(installation.logged("there").contains("Other nodes are out of hearing"));
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test postgres"]
async fn a_session_ended_on_one_node_is_over_on_the_other() {
    let installation = Installation::new(0, None).await;
    let (here, there) = (installation.node("here"), installation.node("there"));
    here.sign_up().await;
    let cookie = here.sign_in().await;
    let page = async |node: &Node| {
        let headers = format!("Cookie: {cookie}\r\n");
        node.connect().await.ask("GET /settings/security", &headers, "").await.status()
    };
    assert_eq!((page(&here).await, page(&there).await), (200, 200));
    assert_eq!(here.press("/sign-out", &cookie, "").await.status(), 303);
    assert_eq!((page(&here).await, page(&there).await), (303, 303));
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test postgres"]
async fn a_secret_asked_for_on_both_nodes_at_once_is_shown_once() {
    let installation = Installation::new(0, None).await;
    let nodes = [installation.node("here"), installation.node("there")];
    nodes[0].sign_up().await;
    let cookie = nodes[0].sign_in().await;
    for number in 0..5 {
        let form = format!("type=standard&name=key+{number}&environment=live&preset=full");
        let made = nodes[0].press("/settings/api-keys", &cookie, &form).await;
        let page = made.one("location").expect("a page").split('?').next().expect("a path").to_owned();
        let mut clients = Vec::new();
        for turn in 0..20 {
            clients.push(nodes[turn % 2].connect().await);
        }
        let mut asked = JoinSet::new();
        for mut client in clients {
            let (line, cookie) = (format!("POST {page}/reveal"), cookie.clone());
            let headers = format!("Sec-Fetch-Site: same-origin\r\nCookie: {cookie}\r\nContent-Length: 0\r\n");
            asked.spawn(async move { client.ask(&line, &headers, "").await });
        }
        let answers = asked.join_all().await;
        for answer in &answers {
            audit::note_secrets_in(&answer.body);
        }
        let statuses = |status| answers.iter().filter(|answer| answer.status() == status).count();
        assert_eq!((statuses(200), statuses(410)), (1, 19));
    }
}

/// Waits for a minute that has time left for a test: a limit begins anew with each.
async fn a_fresh_minute() {
    let now = std::time::UNIX_EPOCH.elapsed().expect("a clock").as_secs();
    if now % 60 > 40 {
        tokio::time::sleep(Duration::from_secs(61 - now % 60)).await;
    }
}

/// Presents a key to both nodes in turn, and answers how many passed. `heard` waits for what follows of so many.
async fn passed(nodes: &[Node; 2], key: &Key, heard: impl AsyncFn(u32)) -> u32 {
    let mut clients = [nodes[0].connect().await, nodes[1].connect().await];
    let mut passed = 0;
    for turn in 0..3 * LIMIT {
        let client = &mut clients[usize::from(turn % 2 == 1)];
        if client.ask("GET /gate/authorize", &bearer(&key.secret), "").await.status() == 200 {
            passed += 1;
            heard(passed).await;
        }
    }
    passed
}

/// The same, each request sent when the others know of the one before. A node that knows of all but the newest of the other's
/// lets one or two through for which nothing was left.
async fn pass_together(nodes: &[Node; 2], key: &Key, redis: &Redis) {
    a_fresh_minute().await;
    let heard = async |passed| {
        // A node that had to wait for Redis has counted this one alone.
        let _ = timeout(A_STALL, redis.holds(key, passed)).await;
    };
    let together = passed(nodes, key, heard).await;
    assert!((LIMIT..LIMIT + 5).contains(&together), "{together} passed");
}

/// Waits until both nodes write what they let through where the other reads it.
async fn count_together(nodes: &[Node; 2], key: &Key, redis: &Redis) {
    a_fresh_minute().await;
    for node in nodes {
        let mut client = node.connect().await;
        let written = async {
            loop {
                let before = redis.counted(key).await;
                assert_eq!(client.ask("GET /gate/authorize", &bearer(&key.secret), "").await.status(), 200);
                if timeout(A_STALL, redis.holds(key, before + 1)).await.is_ok() {
                    return;
                }
            }
        };
        timeout(PATIENCE, written).await.expect("a node that counts together");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis: run scripts/test postgres"]
async fn a_limit_is_one_limit_and_without_redis_each_node_counts_alone_until_it_is_back() {
    let mut redis = Redis::start().await;
    let installation = Installation::new(LIMIT, Some(redis.url())).await;
    let nodes = [installation.node("here"), installation.node("there")];
    let token = nodes[0].sign_up().await;
    let key = async |name| nodes[0].key(&token, name).await;
    count_together(&nodes, &key("first").await, &redis).await;
    pass_together(&nodes, &key("shared").await, &redis).await;

    redis.kill();
    let alone = key("alone").await;
    a_fresh_minute().await;
    assert_eq!(passed(&nodes, &alone, async |_| ()).await, 2 * LIMIT, "each lets its own limit through");

    redis.resume().await;
    count_together(&nodes, &key("second").await, &redis).await;
    pass_together(&nodes, &key("again").await, &redis).await;
    for name in ["here", "there"] {
        let log = installation.logged(name);
        let said = |words| log.matches(words).count();
        let times = said("this node counts rate limits alone");
        assert!(times > 0, "{log}");
        assert_eq!(said("counted together with the other nodes again"), times, "each is said once: {log}");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run scripts/test postgres"]
async fn without_redis_each_node_counts_alone_and_says_so() {
    let installation = Installation::new(LIMIT, None).await;
    let nodes = [installation.node("here"), installation.node("there")];
    let token = nodes[0].sign_up().await;
    let key = nodes[0].key(&token, "alone").await;
    a_fresh_minute().await;
    assert_eq!(passed(&nodes, &key, async |_| ()).await, 2 * LIMIT);
    assert!(installation.logged("there").contains("KEYDESK_REDIS_URL is not set: each node counts rate limits alone"));
}
