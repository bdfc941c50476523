//! Made by `UPDATE_IDS=1 cargo test -p card-conformance --test it ids`: the cases of preset certificate.

#[doc(hidden)]
#[macro_export]
#[rustfmt::skip]
macro_rules! __suite_ids_certificate {
    ($play:ident) => {
        $crate::__suite_tests_of! { $play;
            "certificate.toml": certificate_select certificate_pin_length certificate_pin_padding
                certificate_verify_short certificate_blocked certificate_blocked_by_change
                certificate_blocked_survives_reset certificate_unblock certificate_puk_blocked
                certificate_unblock_short certificate_change certificate_no_import certificate_no_import_without_pin
                certificate_no_import_chained certificate_first_application certificate_more_children
                certificate_profile certificate_generate_ec certificate_keys_need_pin certificate_before_pin
                certificate_without_puk certificate_challenge certificate_detection certificate_transfer;
        }
    };
}
