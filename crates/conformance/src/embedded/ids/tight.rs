//! Made by `UPDATE_IDS=1 cargo test -p card-conformance --test it ids`: the cases of preset tight.

#[doc(hidden)]
#[macro_export]
#[rustfmt::skip]
macro_rules! __suite_ids_tight {
    ($play:ident) => {
        $crate::__suite_tests_of! { $play;
            "tight.toml": tight_atr tight_detect tight_before_select tight_extended tight_chaining tight_class
                tight_channel tight_pin tight_pin_set tight_pin_change tight_puk_set tight_unblock tight_puk_tries
                tight_no_import tight_no_import_pin tight_slots tight_generate_p256 tight_p384 tight_decipher
                tight_files tight_file_twice tight_file_length tight_memory tight_count tight_depth tight_access
                tight_challenge tight_no_iso tight_reselect tight_reset tight_delete tight_select tight_no_template
                tight_generate_curve tight_pin_set_late tight_blocked_change tight_get_data;
        }
    };
}
