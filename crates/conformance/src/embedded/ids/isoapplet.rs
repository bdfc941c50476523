//! Made by `UPDATE_IDS=1 cargo test -p card-conformance --test it ids`: the cases of preset isoapplet.

#[doc(hidden)]
#[macro_export]
#[rustfmt::skip]
macro_rules! __suite_ids_isoapplet {
    ($play:ident) => {
        $crate::__suite_tests_of! { $play;
            "binary.toml": read_whole read_le_beyond_end read_offset read_offset_at_end read_without_file
                read_df_current read_cases read_refused_pin read_refused_never read_pin_condition_forms
                read_unknown_condition read_300_short read_300_extended update_offset update_to_the_end
                update_past_the_end update_too_long update_without_file update_cases update_refused_pin
                update_refused_never update_write_byte_unused update_chained update_survives_reset
                read_by_short_identifier update_by_short_identifier short_identifier_unknown short_identifier_reserved
                short_identifier_refused short_identifier_offset short_identifier_bits;
            "chaining.toml": chain_select chain_single_bytes chain_empty_chunk chain_with_le chain_foreign_instruction
                chain_foreign_parameters chain_foreign_chain chain_foreign_select_aid chain_get_response
                chain_lost_by_reset chain_not_executed_early chain_error_at_the_end chain_on_channel
                chain_extended_chunks get_response_nothing get_response_parameters get_response_cases
                get_response_more get_response_less get_response_dropped get_response_dropped_by_error
                get_response_lost_by_reset get_response_free chain_of_get_response;
            "challenge.toml": challenge_eight challenge_256 challenge_extended challenge_one challenge_parameters
                challenge_cases challenge_after_reset;
            "create.toml": create_df create_ef_is_current create_one_byte_size create_default_size
                create_without_access_bytes create_identifier_taken create_identifier_of_mf create_without_descriptor
                create_without_identifier create_identifier_length create_access_length create_size_length
                create_outer_tag create_outer_length create_inner_tlv create_structure_0 create_unknown_descriptor
                create_parameters create_cases create_too_large create_long_fci create_longest_fci
                create_proprietary_data create_ef_needs_pin create_df_needs_pin create_never create_in_creation
                create_survives_reset create_extended;
            "decipher.toml": decipher_chained decipher_extended decipher_version_0 decipher_longest decipher_one_byte
                decipher_small_le decipher_4096 decipher_4096_chained decipher_padding_indicator decipher_length
                decipher_without_data decipher_block_type decipher_leading_byte decipher_no_separator
                decipher_short_padding decipher_number_too_large decipher_other_cryptogram
                decipher_without_environment decipher_sign_environment decipher_without_pin decipher_pin_lost;
            "delete.toml": delete_ef delete_df delete_from_elsewhere delete_unknown delete_mf delete_length
                delete_parameters delete_needs_pin delete_df_needs_pin delete_df_never delete_never
                delete_children_unasked delete_parent_unasked delete_and_create_again delete_survives_reset
                delete_current_df;
            "detection.toml": detect_coolkey detect_muscle detect_sc_hsm detect_esteid detect_piv detect_cac_ccc
                detect_cac detect_german_health detect_openpgp detect_cac_applets detect_setcos detect_piv_discovery
                detect_atr detect_blank detect_before_select detect_select_before detect_class_before
                detect_unknown_before detect_no_try_before detect_keeps_session detect_023 detect_head detect_024;
            "ecdsa.toml": ecdsa_p256 ecdsa_p256_le_68 ecdsa_p256_extended ecdsa_p256_short_hash ecdsa_p384
                ecdsa_p384_short_hash ecdsa_without_le ecdsa_v0_message ecdsa_v0_hash_is_message ecdsa_v0_chained
                ecdsa_v0_extended ecdsa_v0_p384 ecdsa_both_versions ecdsa_version_by_get_data ecdsa_without_data
                ecdsa_v0_without_data ecdsa_decipher ecdsa_without_pin ecdsa_without_environment;
            "generate.toml": generate_rsa_short generate_rsa_extended generate_rsa_without_le generate_rsa_4096
                generate_p256_short generate_p256_extended generate_p384_extended generate_p384_chained
                generate_small_le generate_fresh_keys generate_replaces generate_survives_reset
                generate_keeps_other_slots generate_without_pin generate_pin_lost generate_parameters
                generate_without_environment generate_sign_environment generate_form_of_algorithm
                generate_rsa_with_data generate_ec_without_parameters generate_ec_broken_parameters generate_brainpool
                generate_secp256k1 generate_p192 generate_p521 generate_odd_field generate_other_generator
                generate_failure_keeps_key;
            "getdata.toml": getdata_version getdata_le_256 getdata_small_le getdata_unknown getdata_cases getdata_odd
                getdata_after_version_0;
            "import.toml": import_rsa_chained import_rsa_extended import_rsa_small_chunks import_rsa_stripped_zeros
                import_rsa_4096 import_rsa_4096_f5 import_version_0 import_p256 import_p384 import_p384_extended
                import_replaces import_slots_apart import_survives_reset import_without_pin import_pin_lost
                import_parameters import_without_environment import_sign_environment import_cases import_outer_tag
                import_other_kind import_rsa_missing_value import_rsa_truncated import_ec_missing_private
                import_ec_truncated import_rsa_1024 import_brainpool import_failure_keeps_key import_last_slot;
            "lifecycle.toml": life_pkcs15_init life_without_puk life_pin_after_files life_states_survive_reset
                life_creation_ends_with_session life_initialisation_keeps_access life_no_keys_before_pin
                life_block_and_unblock life_keys_survive_unblock life_second_host;
            "limits.toml": limit_children limit_children_freed limit_file_size limit_memory limit_chain
                limit_chain_full limit_slots;
            "mse.toml": mse_keygen mse_keygen_4096 mse_without_pin mse_not_set mse_other_template mse_cases
                mse_broken_tlv mse_missing_tags mse_tag_lengths mse_reference_range mse_algorithm_keygen
                mse_algorithm_sign mse_algorithm_decipher mse_empty_slot mse_key_type_rsa mse_key_type_ec
                mse_file_reference_ignored mse_tag_order mse_last_one_wins mse_keygen_replaces_sign mse_lost_by_reset
                mse_kept_by_file_select mse_version_0 mse_extended mse_two_keys;
            "pin.toml": set_pin_lengths set_pin_padding set_puk_length set_puk_twice set_pin_twice set_puk_after_pin
                set_pin_other_parameters set_pin_is_not_verify set_pin_keeps_file_access set_pin_case_4 change_right
                change_wrong_old change_resets_counter change_length change_new_too_short change_to_sixteen
                change_before_pin change_parameters change_with_puk change_survives_reset change_closes_files
                change_wrong_logs_out;
            "puk.toml": unblock_right unblock_not_blocked unblock_closes unblock_wrong unblock_resets_puk
                unblock_wrong_leaves_pin unblock_short_form unblock_length unblock_new_too_short unblock_parameters
                unblock_before_pin unblock_order unblock_without_puk unblock_tries_survive_reset
                unblock_blocked_puk_survives_reset unblock_wrong_logs_out unblock_is_not_pin;
            "reselect.toml": select_again_forgets_file select_again_goes_to_mf select_again_logs_out
                select_again_forgets_environment select_again_forgets_answer select_other_name_keeps_login;
            "select.toml": select_aid_version_0 select_aid_version_0_le select_aid_version_1 select_aid_version_1_le
                select_aid_extended select_aid_cut_short select_aid_too_long select_unknown_name select_mf
                select_mf_fcp select_mf_without_data select_mf_case_1 select_mf_quiet select_case_3_answers_data
                select_le_too_small select_le_exact select_p2_record select_p2_occurrence select_p2_reserved
                select_p1_unknown select_p1_before_length select_fid_length select_child_length select_fid_unknown
                select_fid_anywhere select_fci_echo select_ef_moves_to_parent select_child_df select_child_ef
                select_child_ef_deeper select_child_elsewhere select_parent select_parent_of_mf
                select_parent_with_data select_path select_path_quiet select_path_missing select_path_through_ef
                select_path_length select_path_relative select_df_name select_failure_keeps_file;
            "sign.toml": sign_digest_info sign_raw_data sign_longest sign_deterministic sign_without_le sign_small_le
                sign_extended sign_chained sign_version_0 sign_4096_short sign_4096_longest sign_without_data
                sign_without_environment sign_decipher_environment sign_without_pin sign_pin_lost sign_wrong_pin_later
                sign_parameters sign_pss_20 sign_pss_28 sign_pss_32 sign_pss_48 sign_pss_64 sign_pss_length
                sign_pss_salted sign_pss_version_0_host sign_pss_4096 sign_decipher_sign;
            "transfer.toml": class_proprietary class_reserved class_secure_messaging class_channels
                class_further_channels class_further_secure_messaging class_sm_before_channel class_before_instruction
                class_before_length instruction_unknown instruction_records instruction_procedure_bytes
                instruction_before_length manage_channel length_short_mismatch length_extended_mismatch
                length_extended_zero length_two_bytes length_extended_forms;
            "verify.toml": verify_right verify_unpadded verify_wrong verify_resets_counter verify_padding_is_not_pin
                verify_prefix verify_length verify_case_4 verify_parameters verify_empty verify_empty_verified
                verify_empty_blocked verify_empty_before_pin verify_before_pin verify_parameters_before_length
                verify_wrong_logs_out verify_block_logs_out verify_lost_by_reset verify_tries_survive_reset
                verify_tries_survive_select verify_block_survives_reset verify_sixteen verify_four verify_chained
                verify_near verify_empty_leaves;
        }
    };
}
