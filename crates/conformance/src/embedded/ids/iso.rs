//! Made by `UPDATE_IDS=1 cargo test -p card-conformance --test it ids`: the cases of preset iso.

#[doc(hidden)]
#[macro_export]
#[rustfmt::skip]
macro_rules! __suite_ids_iso {
    ($play:ident) => {
        $crate::__suite_tests_of! { $play;
            "iso-access.toml": iso_rule_always iso_rule_pin iso_rule_admin iso_rule_sm iso_rule_or iso_rule_or_admin
                iso_rule_and iso_rule_any iso_rule_number iso_rule_missing iso_rule_unmentioned iso_rule_wrong
                iso_rule_bits iso_rule_ef_terminate iso_rule_ef_activate iso_rule_ef_deactivate iso_rule_ef_write
                iso_rule_ef_update iso_rule_ef_delete iso_rule_erase iso_rule_records iso_rule_append
                iso_rule_df_create iso_rule_df_create_ef iso_rule_delete_child iso_rule_delete_below iso_rule_df_life
                iso_arr iso_arr_never iso_arr_condition_byte iso_arr_missing iso_arr_below_deactivated
                iso_arr_is_an_ef iso_arr_pairs iso_arr_first iso_arr_changes iso_arr_wins iso_ab_always iso_ab_pin
                iso_ab_pin_default iso_ab_admin iso_ab_or iso_ab_and iso_ab_several iso_ab_sm iso_ab_instruction
                iso_ab_nested iso_86 iso_86_df iso_86_wrong iso_rule_odd iso_rule_above iso_rule_any_below
                iso_rule_any_not_beside iso_rule_disabled iso_rule_select iso_rule_wrong_size iso_rule_order
                iso_rule_sfi iso_ab_df iso_ab_key iso_ab_records iso_ab_empty iso_86_admin iso_86_life
                iso_acc_pin_refused iso_acc_pin_allowed iso_acc_df_pin_refused iso_acc_df_pin_allowed
                iso_acc_admin_refused iso_acc_admin_allowed iso_acc_df_admin_refused iso_acc_df_admin_allowed
                iso_acc_or_refused iso_acc_or_allowed iso_acc_or_allowed_key iso_acc_df_or_refused
                iso_acc_df_or_allowed iso_acc_df_or_allowed_key iso_acc_and_refused iso_acc_and_allowed
                iso_acc_df_and_refused iso_acc_df_and_allowed iso_acc_any_refused iso_acc_any_allowed
                iso_acc_df_any_refused iso_acc_df_any_allowed iso_acc_never_refused iso_acc_df_never_refused
                iso_acc_sm_refused iso_acc_df_sm_refused iso_acc_arr_refused iso_acc_arr_allowed
                iso_acc_df_arr_refused iso_acc_df_arr_allowed iso_acc_ab_refused iso_acc_ab_allowed
                iso_acc_df_ab_refused iso_acc_df_ab_allowed iso_acc_ab_admin_refused iso_acc_ab_admin_allowed
                iso_acc_df_ab_admin_refused iso_acc_df_ab_admin_allowed iso_acc_ab_or_refused iso_acc_ab_or_allowed
                iso_acc_ab_or_allowed_key iso_acc_df_ab_or_refused iso_acc_df_ab_or_allowed
                iso_acc_df_ab_or_allowed_key iso_acc_ab_and_refused iso_acc_ab_and_allowed iso_acc_df_ab_and_refused
                iso_acc_df_ab_and_allowed iso_acc_ab_byte_refused iso_acc_ab_byte_allowed iso_acc_df_ab_byte_refused
                iso_acc_df_ab_byte_allowed iso_acc_ab_ins_refused iso_acc_ab_ins_allowed iso_acc_86_refused
                iso_acc_86_allowed iso_acc_df_86_refused iso_acc_df_86_allowed iso_rule_malformed_first iso_first_pin
                iso_first_key iso_first_arr iso_arr_unusable iso_ab_mf iso_ab_first iso_ab_first_key iso_ab_reference
                iso_rule_any_key iso_rule_any_lower iso_rule_deactivated_df iso_rule_deactivated_df_key
                iso_rule_terminated_df iso_arr_deactivated_df iso_86_forms iso_rule_bytes_none iso_rule_bytes_pin
                iso_rule_bytes_key iso_rule_bytes_both iso_ab_groups iso_ab_a4 iso_rule_lengths iso_rule_03_key
                iso_rule_03_pin;
            "iso-auth.toml": iso_auth_ok iso_auth_wrong iso_auth_once iso_auth_other_length iso_auth_newest
                iso_auth_unset iso_auth_form iso_auth_drops iso_auth_refill iso_auth_set iso_auth_192 iso_auth_256
                iso_auth_replaced iso_auth_replaced_unruled iso_auth_rule iso_auth_deactivated iso_auth_read
                iso_auth_local iso_challenge iso_auth_channel iso_auth_terminated iso_auth_deleted iso_auth_reset
                iso_auth_number iso_auth_blocked iso_auth_replaced_initialisation iso_auth_half iso_auth_plain
                iso_auth_other_channel iso_auth_rule_drops iso_auth_bits;
            "iso-binary.toml": iso_read_whole iso_read_exact iso_read_short iso_read_end iso_read_case iso_read_sfi
                iso_read_sfi_p1 iso_read_no_ef iso_read_records iso_update_offset iso_update_end iso_update_case
                iso_update_sfi iso_update_reset iso_update_extended iso_write_once iso_write_or iso_write_and
                iso_write_update iso_write_absent iso_write_once_update iso_write_sfi iso_erase iso_erase_part
                iso_erase_wrong iso_erase_sfi iso_odd_read iso_odd_read_ne iso_odd_read_wrong iso_odd_read_silent
                iso_odd_update_no_offset iso_odd_read_file iso_odd_update iso_odd_update_wrong iso_odd_write
                iso_odd_write_once iso_odd_erase iso_odd_erase_all iso_odd_erase_wrong iso_binary_internal iso_odd_ne;
            "iso-channel.toml": iso_ch_open iso_ch_open_number iso_ch_form iso_ch_close iso_ch_close_self
                iso_ch_close_other iso_ch_closed iso_ch_begins iso_ch_begins_there iso_ch_selection iso_ch_pin
                iso_ch_pin_new iso_ch_pin_tries iso_ch_pin_changed iso_ch_logout iso_ch_challenge iso_ch_files
                iso_ch_record iso_ch_deleted iso_ch_df_deleted iso_ch_reset iso_ch_chain iso_ch_chain_there
                iso_ch_response iso_ch_manage_rule iso_ch_response_there iso_ch_select_name iso_ch_local_left
                iso_ch_df_lost iso_ch_df_made_again iso_ch_ef_lost;
            "iso-data.toml": iso_do_one_byte iso_do_ours iso_do_simple iso_do_two_bytes iso_do_tags iso_do_df
                iso_do_df_deleted iso_do_case iso_do_more iso_do_lasting iso_do_list iso_do_list_wrong iso_do_put_odd
                iso_do_put_odd_wrong iso_do_rule iso_counter_create iso_counter_update iso_counter_record
                iso_counter_delete iso_counter_life iso_counter_object iso_counter_pin iso_counter_key
                iso_counter_admin iso_counter_store iso_counter_read iso_counter_refused iso_counter_everywhere
                iso_counter_put iso_do_list_more iso_do_odd_limit iso_do_mf iso_do_key_import iso_counter_generate
                iso_counter_reset iso_counter_erase iso_counter_write iso_counter_record_update iso_counter_terminate
                iso_counter_sign iso_counter_auth iso_counter_channel iso_counter_full iso_do_list_long
                iso_counter_environment iso_counter_tries iso_counter_disable;
            "iso-keys.toml": iso_mse_set iso_mse_set_hash iso_mse_set_algorithm iso_mse_set_form iso_mse_set_slot
                iso_mse_failed iso_mse_store iso_mse_store_form iso_mse_store_df iso_mse_store_lasting
                iso_mse_store_rule iso_sign_pkcs1 iso_sign_pss iso_sign_raw iso_sign_p256 iso_sign_p384
                iso_sign_template iso_sign_empty iso_pso_form iso_sign_ne iso_hash_sha1 iso_hash_sha224
                iso_hash_sha256 iso_hash_sha384 iso_hash_sha512 iso_hash_default iso_hash_silent iso_hash_pss
                iso_hash_another iso_hash_long iso_hash_channel iso_environment_channel iso_decipher_pkcs1
                iso_decipher_oaep_sha1 iso_decipher_oaep_sha256 iso_decipher_padding iso_decipher_raw
                iso_decipher_form iso_internal_rsa iso_internal_p256 iso_internal_form iso_internal_template
                iso_internal_empty iso_key_use_rule iso_key_update_rule iso_key_read_rule iso_key_public
                iso_key_public_ec iso_key_template_order iso_generate_p256 iso_generate_p384 iso_generate_rsa3072
                iso_generate_form iso_generate_none iso_import_kind iso_import_kind_rsa iso_import_wrong
                iso_import_4096 iso_key_wiped iso_key_wiped_df iso_key_deactivated iso_key_read iso_key_lasting
                iso_key_elsewhere iso_mse_deactivated iso_mse_store_deactivated iso_generate_response
                iso_internal_response iso_generate_a4 iso_generate_silent iso_generate_replaces iso_hash_reset
                iso_hash_mse iso_hash_restore iso_sign_refused_after iso_decipher_empty iso_decipher_rule
                iso_import_chained iso_import_short iso_import_1024 iso_hash_nothing iso_generate_last iso_import_last
                iso_template_last_stored iso_template_last_refused iso_mse_stored_deleted iso_mse_stored_whole
                iso_mse_slots iso_key_overwrite_rule iso_key_use_drops iso_key_two_slots iso_generate_another
                iso_pss_salt iso_mse_stored_less iso_sign_kind_since;
            "iso-lifecycle.toml": iso_life_01_select iso_life_01_activate iso_life_01_deactivate iso_life_01_terminate
                iso_life_01_delete iso_life_01_wrong_kind iso_life_01_binary iso_life_01_record iso_life_01_below
                iso_life_01_df iso_life_01_df_changes iso_life_01_by_name iso_life_01_rules iso_life_03_select
                iso_life_03_activate iso_life_03_deactivate iso_life_03_terminate iso_life_03_delete
                iso_life_03_wrong_kind iso_life_03_binary iso_life_03_record iso_life_03_below iso_life_03_df
                iso_life_03_df_changes iso_life_03_by_name iso_life_03_rules iso_life_05_select iso_life_05_activate
                iso_life_05_deactivate iso_life_05_terminate iso_life_05_delete iso_life_05_wrong_kind
                iso_life_05_binary iso_life_05_record iso_life_05_below iso_life_05_df iso_life_05_df_changes
                iso_life_05_by_name iso_life_05_rules iso_life_04_select iso_life_04_activate iso_life_04_deactivate
                iso_life_04_terminate iso_life_04_delete iso_life_04_wrong_kind iso_life_04_binary iso_life_04_record
                iso_life_04_below iso_life_04_df iso_life_04_df_changes iso_life_04_by_name iso_life_04_rules
                iso_life_0c_select iso_life_0c_activate iso_life_0c_deactivate iso_life_0c_terminate
                iso_life_0c_delete iso_life_0c_wrong_kind iso_life_0c_binary iso_life_0c_record iso_life_0c_below
                iso_life_0c_df iso_life_0c_df_changes iso_life_0c_by_name iso_life_form iso_life_not_found
                iso_life_by_id iso_life_current iso_life_delete_df iso_life_delete_inside iso_life_delete_far
                iso_life_delete_mf iso_life_mf iso_life_mf_rules iso_life_above iso_life_again iso_life_lasting
                iso_life_create_deactivated iso_life_sfi iso_life_card iso_life_card_last iso_life_card_rule
                iso_life_itself iso_life_terminate_child iso_life_current_kept iso_life_channel iso_life_01_pin
                iso_life_01_admin iso_life_01_key iso_life_03_pin iso_life_03_admin iso_life_03_key iso_life_05_pin
                iso_life_05_admin iso_life_05_key iso_life_04_pin iso_life_04_admin iso_life_04_key iso_life_0c_pin
                iso_life_0c_admin iso_life_0c_key iso_life_card_envelope iso_life_far_above iso_life_pin_far_above
                iso_life_again_blank;
            "iso-limits.toml": iso_limit_file_len iso_limit_depth iso_limit_children iso_limit_records
                iso_limit_records_cyclic iso_limit_record_length iso_limit_object iso_limit_memory
                iso_limit_memory_freed iso_limit_chain iso_limit_chain_full iso_limit_names iso_limit_channels
                iso_limit_files iso_limit_keys;
            "iso-pin.toml": iso_pin_verify iso_pin_wrong iso_pin_refill iso_pin_drops iso_pin_lengths iso_pin_padding
                iso_pin_p1 iso_pin_none iso_pin_logout_all iso_pin_logout_data iso_pin_unset iso_pin_set_lengths
                iso_pin_set_padded iso_pin_change iso_pin_change_wrong iso_pin_change_measured iso_pin_change_free
                iso_pin_change_rule iso_pin_change_drops iso_pin_reset_0 iso_pin_reset_0_wrong iso_pin_reset_0_refill
                iso_pin_reset_0_measured iso_pin_reset_1 iso_pin_reset_1_wrong iso_pin_reset_unnamed iso_pin_reset_2
                iso_pin_reset_3 iso_pin_reset_no_rule iso_pin_reset_never iso_pin_reset_form
                iso_pin_reset_initialisation iso_pin_change_initialisation iso_pin_unusable_rule iso_pin_disable
                iso_pin_disable_wrong iso_pin_disable_verified iso_pin_disable_flag iso_pin_disable_rule
                iso_pin_disable_form iso_pin_disable_verify iso_pin_local iso_pin_local_above iso_pin_local_left
                iso_pin_local_rule iso_pin_local_named iso_pin_reset_card iso_pin_tries_last iso_pin_fifteen
                iso_pin_eight iso_pin_deactivated iso_pin_df_deactivated iso_pin_terminated iso_pin_deleted
                iso_pin_unset_others iso_pin_reset_puk_unset iso_pin_reset_above iso_pin_reset_drops
                iso_pin_enable_wrong iso_pin_enable_not_verified iso_pin_disable_last iso_pin_change_lasts
                iso_pin_change_blocked iso_pin_blocked_length iso_pin_reset_unblocks_verify iso_pin_two
                iso_pin_admin_rule iso_pin_set_rule iso_pin_case iso_pin_p2 iso_pin_change_padded
                iso_pin_change_padded_measured iso_pin_change_half iso_pin_zero_first iso_pin_zero_first_reset
                iso_pin_zero_first_unset iso_pin_reset_padded iso_pin_reset_first iso_pin_order iso_pin_near
                iso_pin_longer iso_pin_wrong_drops_others iso_pin_drops_rule iso_pin_blocked_rule iso_pin_reset_keeps
                iso_pin_reset_wrong_drops iso_pin_change_refill iso_pin_disable_refill iso_pin_disabled_blocked
                iso_pin_one_try iso_pin_numbers iso_pin_logout_unset iso_pin_recreated iso_pin_nearest
                iso_pin_select_keeps iso_pin_sibling iso_pin_change_channels iso_pin_policies iso_pin_read
                iso_pin_bits iso_pin_short_padded;
            "iso-record.toml": iso_rec_number iso_rec_number_cyclic iso_rec_number_variable iso_rec_modes_lf
                iso_rec_nopointer_lf iso_rec_range_lf iso_rec_modes_cy iso_rec_nopointer_cy iso_rec_range_cy
                iso_rec_modes_lv iso_rec_nopointer_lv iso_rec_range_lv iso_rec_number_keeps iso_rec_current_range
                iso_rec_pointer_lost iso_rec_pointer_sfi_other iso_rec_pointer_sfi_same iso_rec_pointer_fail
                iso_rec_id_lft iso_rec_id_lvt iso_rec_id_cyt iso_rec_id_none iso_rec_id_none_cy iso_rec_empty
                iso_rec_p2 iso_rec_sfi iso_rec_sfi_commands iso_rec_sfi_pointer iso_rec_no_ef iso_rec_transparent
                iso_rec_internal iso_rec_case iso_rec_ne iso_rec_ne_more iso_rec_update iso_rec_update_length
                iso_rec_update_length_cy iso_rec_update_variable iso_rec_update_pointer iso_rec_update_previous
                iso_rec_update_previous_linear iso_rec_update_id iso_rec_tlv_wrong iso_rec_tlv_padding
                iso_rec_tlv_wrong_variable iso_rec_tlv_cyclic iso_rec_append iso_rec_append_full
                iso_rec_append_full_lv iso_rec_append_cyclic iso_rec_append_length iso_rec_variable_room
                iso_rec_write_once iso_rec_write_or iso_rec_write_and iso_rec_write_update iso_rec_write_modes
                iso_rec_write_previous iso_rec_write_variable iso_rec_search iso_rec_search_back
                iso_rec_search_pointer iso_rec_search_silent iso_rec_search_cyclic iso_rec_search_variable
                iso_rec_search_tlv iso_rec_search_number iso_rec_search_empty iso_rec_shown iso_rec_lasting
                iso_rec_pointer_select iso_rec_search_more iso_rec_write_tlv iso_rec_update_previous_id
                iso_rec_write_id iso_rec_p2_cy iso_rec_p2_lv iso_rec_p2_lvt iso_rec_modes_lvt iso_rec_change_lvt
                iso_rec_p2_cyt iso_rec_modes_cyt iso_rec_change_cyt iso_rec_p2_lft iso_rec_modes_lft
                iso_rec_change_lft iso_rec_variable_exact iso_rec_cyclic_round iso_rec_layout iso_rec_pointer_new;
            "iso-select.toml": iso_atr iso_reset_state iso_select_empty iso_select_3f00 iso_select_near
                iso_select_uncle iso_select_child_df iso_select_child_ef iso_select_parent iso_select_name
                iso_select_name_next iso_select_name_previous iso_select_name_next_elsewhere iso_select_path_mf
                iso_select_path_through_ef iso_select_path_df iso_select_p1 iso_select_p2 iso_select_templates
                iso_select_fmd_none iso_select_occurrence iso_select_cases iso_select_le iso_select_fails
                iso_select_ef_df iso_select_df_no_ef iso_create_6f iso_create_size_80 iso_create_shareable
                iso_create_descriptor iso_create_required iso_create_template iso_create_identifiers iso_create_p1p2
                iso_create_taken iso_create_name_taken iso_create_name_wrong iso_create_sfi_taken iso_create_sfi_wrong
                iso_create_sfi_default iso_create_sfi_empty iso_create_sfi_explicit_wins iso_create_state
                iso_create_state_wrong iso_create_current iso_create_long iso_create_mf iso_create_mf_late
                iso_create_mf_ef iso_create_df_size iso_create_records iso_create_records_forms
                iso_create_internal_wrong iso_create_internal_taken iso_create_record_size iso_create_taken_first
                iso_create_mf_name iso_create_6f_records iso_create_rule_mf iso_create_long_internal iso_sel_path_mf;
            "iso-transfer.toml": iso_tr_class iso_tr_ins iso_tr_order iso_tr_lengths iso_tr_extended iso_tr_ne
                iso_tr_response iso_tr_response_none iso_tr_response_form iso_tr_response_dropped iso_tr_chain
                iso_tr_chain_foreign iso_tr_chain_select iso_tr_chain_reset iso_tr_envelope iso_tr_envelope_parts
                iso_tr_envelope_end iso_tr_envelope_dropped iso_tr_envelope_p1p2 iso_tr_envelope_nested
                iso_tr_envelope_status iso_tr_envelope_channel iso_tr_envelope_other_channel iso_tr_envelope_long
                iso_tr_envelope_longest iso_tr_envelope_extended iso_tr_envelope_more iso_tr_silent
                iso_tr_chain_response iso_tr_chain_envelope iso_tr_envelope_short_piece iso_tr_envelope_whole_piece
                iso_tr_envelope_surplus iso_tr_envelope_extended_piece iso_tr_envelope_chained
                iso_tr_envelope_inner_class iso_chain_of_get_response;
        }
    };
}
