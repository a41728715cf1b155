//! What clicks and keys do: they set the real parameters, as gestures, and touch nothing else.

use crate::support::studio::{Studio, Told};
use egui::accesskit::Role;
use egui::{Key, Pos2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use sacodec::editor::{Action, Page, Place, Tab};
use sacodec::{AbxResult, DEFAULT_SIZE};
use sacodec_codec::CodecModel;
use sacodec_moments::{MarkerFormat, time_code};
use sacodec_take::{ExportFormat, TakeStatus};

type Window = Harness<'static, Studio>;

fn window(studio: Studio) -> Window {
    studio.open(DEFAULT_SIZE)
}

/// Clicks the `nth` button of this label.
fn click(window: &mut Window, label: &str, nth: usize) {
    let buttons: Vec<_> = window.get_all_by_role_and_label(Role::Button, label).collect();
    buttons.get(nth).unwrap_or_else(|| panic!("there are {} buttons {label:?}", buttons.len())).click();
    window.run_steps(3);
}

fn press(window: &mut Window, key: Key) {
    window.key_press(key);
    window.run_steps(2);
}

fn told(window: &Window) -> Vec<Told> {
    window.state().host.take()
}

fn gesture(name: &str, value: f32) -> Vec<Told> {
    vec![Told::Begin(name.into()), Told::Set(name.into(), value), Told::End(name.into())]
}

#[test]
fn every_button_of_a_parameter_sets_it_in_one_gesture() {
    // Label, which of that label, parameter, normalized value.
    let cases = [
        ("Original", 0, "Listen", 0.0),
        ("Difference", 0, "Listen", 1.0),
        ("Coded", 0, "Listen", 0.5),
        ("Level match", 0, "Level match", 1.0),
        ("Level match", 0, "Level match", 0.0),
        ("Semantic", 0, "Streams", 0.5),
        ("Acoustic", 0, "Streams", 1.0),
        ("Both", 0, "Streams", 0.0),
        ("L", 0, "Channels", 1.0 / 3.0),
        ("R", 0, "Channels", 2.0 / 3.0),
        ("Dual", 0, "Channels", 1.0),
        ("Sum", 0, "Channels", 0.0),
        ("Original", 1, "When rendering", 1.0),
        ("Coded", 1, "When rendering", 0.0),
        ("Burst", 0, "Scheduling", 1.0),
        ("Spread", 0, "Scheduling", 0.0),
        ("Bypass", 0, "Bypass", 1.0),
        ("Bypass", 0, "Bypass", 0.0),
    ];
    let mut window = window(Studio::active());
    for (label, nth, parameter, value) in cases {
        click(&mut window, label, nth);
        assert_eq!(told(&window), gesture(parameter, value), "after a click on {label:?}");
    }
    window.state_mut().desk.tab = Tab::Record;
    window.run_steps(2);
    for (label, parameter, value) in
        [("Record", "Record tokens", 1.0), ("Playing", "Record while", 1.0), ("Armed", "Record while", 0.0)]
    {
        // The tab is called Record too, and comes first.
        click(&mut window, label, usize::from(label == "Record"));
        assert_eq!(told(&window), gesture(parameter, value), "after a click on {label:?}");
    }
}

#[test]
fn dragging_the_gain_is_one_gesture_and_a_double_click_resets_it() {
    // Frames as fast as a double click wants them.
    let mut window = Studio::active().open_at(DEFAULT_SIZE, 0.04);
    let slider = window.get_by_role(Role::Slider).rect();
    window.drag_at(slider.center());
    window.run_steps(1);
    for x in [0.6, 0.7, 0.8] {
        window.hover_at(Pos2::new(slider.left() + x * slider.width(), slider.center().y));
        window.run_steps(1);
    }
    window.drop_at(Pos2::new(slider.left() + 0.8 * slider.width(), slider.center().y));
    window.run_steps(2);
    let told_drag = told(&window);
    assert_eq!(told_drag.first(), Some(&Told::Begin("Output gain".into())), "{told_drag:?}");
    assert_eq!(told_drag.last(), Some(&Told::End("Output gain".into())), "{told_drag:?}");
    let inner = &told_drag[1..told_drag.len() - 1];
    assert!(!inner.is_empty() && inner.iter().all(|t| matches!(t, Told::Set(..))), "{told_drag:?}");
    let gain_db = window.state().params.output_gain.value();
    assert!((8.0..20.0).contains(&gain_db), "dragged to 0.8: {gain_db} dB");
    assert!(!window.state().desk.gain_gesture);

    // The last press is long ago.
    window.run_steps(30);
    let at = Pos2::new(slider.left() + 0.3 * slider.width(), slider.center().y);
    for _ in 0..2 {
        window.drag_at(at);
        window.drop_at(at);
        window.run_steps(1);
    }
    window.run_steps(3);
    let told_clicks = told(&window);
    assert_eq!(window.state().params.output_gain.value(), 0.0, "{told_clicks:?}");
    let begun = told_clicks.iter().filter(|t| matches!(t, Told::Begin(_))).count();
    let ended = told_clicks.iter().filter(|t| matches!(t, Told::End(_))).count();
    assert!(begun == ended && begun > 0, "{told_clicks:?}");
}

#[test]
fn the_keys_one_two_three_listen_and_others_do_nothing() {
    let mut window = window(Studio::active());
    for (key, value) in [(Key::Num1, 0.0), (Key::Num3, 1.0), (Key::Num2, 0.5)] {
        press(&mut window, key);
        assert_eq!(told(&window), gesture("Listen", value), "{key:?}");
    }
    // The host's: play, record, undo, and what moves between widgets.
    click(&mut window, "Coded", 0);
    told(&window);
    for key in [Key::Space, Key::Enter, Key::Tab, Key::R, Key::Z, Key::ArrowLeft, Key::Escape, Key::A, Key::B]
    {
        press(&mut window, key);
        press(&mut window, Key::Space);
        assert_eq!(told(&window), [], "{key:?} is the host's");
    }
}

#[test]
fn while_a_text_is_edited_its_letters_are_no_shortcuts() {
    let mut window = window(Studio::active());
    window.state_mut().desk.tab = Tab::Record;
    window.run_steps(2);
    let field = window.get_all_by_role(Role::TextInput).next().unwrap();
    field.click();
    window.run_steps(2);
    press(&mut window, Key::Num1);
    window.event(egui::Event::Text("Take 1".to_owned()));
    window.run_steps(2);
    assert_eq!(told(&window), []);
    assert_eq!(window.state().desk.take_name, "Take 1");
    press(&mut window, Key::Enter);
    assert_eq!(window.state().actions, [Action::TakeName(Some("Take 1".to_owned()))]);
    press(&mut window, Key::Num1);
    assert_eq!(told(&window), gesture("Listen", 0.0), "the keys are shortcuts again");
}

#[test]
fn a_listening_test_runs_by_keys_alone_and_its_result_is_kept() {
    let mut studio = Studio::active();
    studio.desk.abx.trials = 5;
    studio.desk.page = Page::ListeningTest;
    let mut window = window(studio);
    window.state_mut().desk.abx.trials = 4;
    press(&mut window, Key::ArrowLeft);
    assert_eq!(window.state().desk.abx.trials, 4, "there are no shorter tests");
    press(&mut window, Key::ArrowRight);
    press(&mut window, Key::Enter);
    for trial in 0..5 {
        let hides = ["Original", "Coded", "Level match", "Codes", "ABX", "1×"];
        for label in hides {
            assert_eq!(window.query_all_by_label(label).count(), 0, "{label} is shown in trial {trial}");
        }
        press(&mut window, Key::A);
        assert_eq!(window.state().desk.abx.audition().map(|a| a.coded), Some(false));
        press(&mut window, Key::B);
        assert_eq!(window.state().desk.abx.audition().map(|a| a.coded), Some(true));
        press(&mut window, Key::X);
        let x_is_b = window.state().desk.abx.audition().unwrap().coded;
        // Wrong in the last trial alone.
        press(&mut window, if x_is_b == (trial < 4) { Key::Num2 } else { Key::Num1 });
    }
    let results = window.state().params.session.abx_results();
    assert_eq!(results.len(), 1);
    let model = CodecModel::embedded().unwrap();
    let pack = format!("{} {}", model.info().name, model.info().version);
    assert_eq!((results[0].correct, results[0].trials, &results[0].pack), (4, 5, &pack));
    assert!(!window.state().desk.abx.is_running());
    assert_eq!(window.query_all_by_label("4 of 5 right").count(), 1);
    assert_eq!(told(&window), [], "a listening test moves no parameter");

    press(&mut window, Key::Enter);
    assert!(window.state().desk.abx.is_running());
    press(&mut window, Key::Escape);
    assert!(!window.state().desk.abx.is_running());
    assert_eq!(
        window.state().params.session.abx_results().len(),
        1,
        "a test that was given up is not a result"
    );
    press(&mut window, Key::Escape);
    assert_eq!(window.state().desk.page, Page::Main);
}

#[test]
fn escape_leads_back_from_the_help() {
    let mut window = window(Studio::active());
    click(&mut window, "?", 0);
    assert_eq!(window.state().desk.page, Page::Help);
    press(&mut window, Key::Escape);
    assert_eq!(window.state().desk.page, Page::Main);
}

#[test]
fn a_listening_test_waits_until_levels_are_matched_and_ends_where_they_no_longer_are() {
    let mut studio = Studio::active();
    studio.set("Level match", 1.0);
    studio.facts.is_match_settled = false;
    studio.desk.page = Page::ListeningTest;
    let mut window = window(studio);
    let hint = "Level match listens: play a few seconds of voice before you start.";
    for is_settled in [false, true] {
        window.state_mut().facts.is_match_settled = is_settled;
        window.run_steps(2);
        assert_eq!(window.query_all_by_label(hint).count(), usize::from(!is_settled));
        press(&mut window, Key::Enter);
        assert_eq!(window.state().desk.abx.is_running(), is_settled);
        window.state_mut().desk.abx.stop();
        window.run_steps(2);
        click(&mut window, "Start", 0);
        assert_eq!(window.state().desk.abx.is_running(), is_settled);
    }
    // The host begins anew: what was matched is forgotten.
    window.state_mut().facts.is_match_settled = false;
    window.run_steps(2);
    assert!(!window.state().desk.abx.is_running() && window.state().desk.abx.was_disturbed);
    window.state_mut().facts.is_match_settled = true;
    press(&mut window, Key::Enter);
    assert!(window.state().desk.abx.is_running());
    window.state_mut().facts.rate_hz = 44_100.0;
    window.run_steps(2);
    assert!(!window.state().desk.abx.is_running() && window.state().desk.abx.was_disturbed);
}

#[test]
fn a_name_that_was_typed_counts_when_its_tab_is_left() {
    let mut studio = Studio::active();
    studio.desk.tab = Tab::Record;
    let mut window = window(studio);
    window.get_all_by_role(Role::TextInput).next().unwrap().click();
    window.run_steps(2);
    window.event(egui::Event::Text("Ada".to_owned()));
    window.run_steps(2);
    assert_eq!(window.state().actions, []);
    window.state_mut().desk.tab = Tab::Codes;
    window.run_steps(2);
    assert_eq!(window.state().actions.first(), Some(&Action::TakeName(Some("Ada".to_owned()))));
}

#[test]
fn what_the_environment_says_of_takes_is_told_and_not_asked_for() {
    let mut studio = Studio::active();
    studio.desk.tab = Tab::Record;
    studio.facts.is_take_folder_fixed = true;
    studio.facts.take_folder = "/takes".into();
    studio.facts.are_take_formats_fixed = true;
    studio.facts.take_formats = vec![ExportFormat::Npy];
    let window = window(studio);
    for (label, shown) in [
        ("/takes", 1),
        ("folder, by SACODEC_TAKES", 1),
        ("also as, by SACODEC_FORMATS", 1),
        ("Choose", 0),
        ("csv", 0),
    ] {
        assert_eq!(window.query_all_by_label(label).count(), shown, "{label}");
    }
}

#[test]
fn packs_folders_formats_and_takes_are_asked_for() {
    let mut studio = Studio::active();
    studio.desk.tab = Tab::Pack;
    studio.facts.pack.folder = "/packs/other".to_owned();
    studio.facts.take_formats = vec![ExportFormat::Npy];
    studio.facts.takes = TakeStatus { last: Some("/takes/a.sac".into()), ..TakeStatus::default() };
    let mut window = window(studio);
    click(&mut window, "Choose", 0);
    click(&mut window, "Built in", 0);
    window.get_all_by_role(Role::TextInput).next().unwrap().click();
    window.run_steps(2);
    window.event(egui::Event::Text("/packs/mine".to_owned()));
    press(&mut window, Key::Enter);
    window.state_mut().desk.tab = Tab::Record;
    window.run_steps(2);
    click(&mut window, "Choose", 0);
    click(&mut window, "csv", 0);
    click(&mut window, "npy", 0);
    click(&mut window, "Reveal", 0);
    window.state_mut().desk.tab = Tab::Network;
    window.run_steps(2);
    click(&mut window, "Trace", 0);
    click(&mut window, "Choose", 0);
    window.get_all_by_role(Role::TextInput).next().unwrap().click();
    window.run_steps(2);
    window.event(egui::Event::Text("/traces/wifi.txt".to_owned()));
    press(&mut window, Key::Enter);
    click(&mut window, "2×", 0);
    assert_eq!(
        window.state().actions,
        [
            Action::Pick(Place::Pack),
            Action::ChoosePack(String::new()),
            Action::ChoosePack("/packs/mine".to_owned()),
            Action::Pick(Place::Takes),
            Action::TakeFormats(vec![ExportFormat::Npy, ExportFormat::Csv]),
            Action::TakeFormats(vec![ExportFormat::Csv]),
            Action::Reveal("/takes/a.sac".into()),
            Action::Pick(Place::Trace),
            Action::ChooseTrace("/traces/wifi.txt".to_owned()),
            Action::Zoom(2.0),
        ]
    );
}

#[test]
fn hovering_a_lane_tells_code_frame_and_timeline_and_hold_holds_it() {
    let mut window = window(Studio::playing());
    let point = |window: &Window| {
        let hold = window.get_by_label("Hold").rect();
        // The semantic lane lies above the axis, which lies above the controls.
        let streams = window.get_by_label("Streams").rect();
        Pos2::new(hold.left(), streams.top() - 6.0 - 16.0 - 22.0)
    };
    let at = point(&window);
    window.hover_at(at);
    window.run_steps(2);
    let words = window.state().desk.hovered.clone();
    let code: u16 = words
        .strip_prefix("semantic ")
        .and_then(|rest| rest.split(' ').next())
        .and_then(|code| code.parse().ok())
        .unwrap_or_else(|| panic!("{words:?} tells no semantic code"));
    let frame: usize = words.split("frame ").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
    assert_eq!(code, crate::support::studio::golden_tokens()[frame].semantic, "{words}");
    let position = 96_000 + frame * 640;
    assert!(words.ends_with(&format!("(sample {position})")), "{words}");

    click(&mut window, "Hold", 0);
    let before = window.state().desk.scope.columns.written();
    window.state_mut().play(1.0);
    assert_eq!(window.state().desk.scope.columns.written(), before, "held columns moved");
    press(&mut window, Key::H);
    assert!(!window.state().desk.scope.is_held());
}

#[test]
fn a_change_from_the_host_shows_in_the_window() {
    let mut window = window(Studio::active());
    let before = window.render().unwrap();
    window.state().set("Listen", 0.0);
    window.run_steps(1);
    let after = window.render().unwrap();
    let changed = before.pixels().zip(after.pixels()).filter(|(a, b)| a != b).count();
    assert!(changed > 5000, "{changed} pixels changed: two large buttons should have");
    assert_eq!(told(&window), [], "what the host sets is not told to it");
}

#[test]
fn no_size_is_too_small_or_too_large_to_be_drawn() {
    for size in [(1.0, 1.0), (30.0, 400.0), (900.0, 20.0), (320.0, 200.0), (801.0, 300.0), (3000.0, 2000.0)] {
        let mut window = Studio::playing().open(size);
        for tab in [Tab::Codes, Tab::Record, Tab::Pack, Tab::Engine] {
            window.state_mut().desk.tab = tab;
            window.run_steps(1);
        }
        for page in [Page::ListeningTest, Page::Help] {
            window.state_mut().desk.page = page;
            window.run_steps(1);
        }
    }
}

#[test]
fn every_button_has_a_tooltip() {
    let mut studio = Studio::playing();
    studio.facts.takes.last = Some("/takes/Ada_2026-11-23_001.sac".into());
    studio.params.session.add_abx_result(AbxResult { trials: 10, correct: 9, ..AbxResult::default() });
    let mut window = window(studio);
    let main = [Tab::Codes, Tab::Record, Tab::Pack, Tab::Engine].map(|tab| (Page::Main, tab, 20));
    for (page, tab, fewest) in main.into_iter().chain([(Page::ListeningTest, Tab::Codes, 9)]) {
        window.state_mut().desk.page = page;
        window.state_mut().desk.tab = tab;
        window.remove_cursor();
        window.run_steps(2);
        let buttons: Vec<_> = window
            .get_all_by_role(Role::Button)
            .map(|node| (node.accesskit_node().label().unwrap_or_default(), node.rect()))
            .collect();
        assert!(buttons.len() > fewest, "{page:?}, {tab:?}: {} buttons", buttons.len());
        for (label, rect) in buttons {
            window.remove_cursor();
            window.run_steps(2);
            let without = window.render().unwrap();
            window.hover_at(rect.center());
            // Tooltips come when the pointer has rested.
            window.run_steps(8);
            let with = window.render().unwrap();
            let changed = without.pixels().zip(with.pixels()).filter(|(a, b)| a != b).count();
            // The button's own highlight is not a tooltip.
            let own = (rect.area() * 1.2) as usize;
            assert!(
                changed > own + 400,
                "{page:?}, {tab:?}: {label:?} has no tooltip ({changed} pixels, {own} its own)"
            );
        }
    }
}

#[test]
fn a_click_on_a_moment_holds_its_picture_another_lets_it_go_and_each_format_is_asked_for() {
    let mut studio = Studio::playing();
    studio.desk.tab = Tab::Moments;
    let mut window = window(studio);
    let moments: Vec<_> =
        window.state().desk.scope.moments().map(|m| (m.number, time_code(m.seconds()))).collect();
    assert!(moments.len() > 3);
    let held = |window: &Window| window.state().desk.scope.held_moment().map(|(number, _)| number);
    for (number, time) in &moments[..3] {
        click(&mut window, time, 0);
        assert_eq!(held(&window), Some(*number));
    }
    click(&mut window, &moments[2].1, 0);
    assert_eq!((held(&window), window.state().desk.scope.is_held()), (None, false));
    click(&mut window, &moments[0].1, 0);
    press(&mut window, Key::H);
    assert!(!window.state().desk.scope.is_held());
    for format in MarkerFormat::ALL {
        click(&mut window, "Save as", 0);
        click(&mut window, format.name(), 0);
        assert_eq!(window.state().actions.last(), Some(&Action::SaveMoments(format)));
    }
    click(&mut window, "Clear", 0);
    assert_eq!(window.state().desk.scope.moments().len(), 0);
}
