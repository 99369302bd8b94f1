"""The rules of Home Assistant's Integration Quality Scale, and what holds each here.

Tiers and rules are those of developers.home-assistant.io. A rule is held by tests
(`file::test`), by sections of the documentation (`page#anchor`) and by what a script
runs (`file: text`).
"""

from typing import Final

TIERS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "bronze": {
        "action-setup": ("tests/test_services.py::test_there_without_an_entry",),
        "appropriate-polling": (
            "tests/test_quality_scale.py::test_home_assistant_polls_nothing",
        ),
        "brands": ("tests/test_repository.py::test_brand",),
        "common-modules": (
            "tests/test_quality_scale.py::test_what_files_show",
            "tests/test_house.py::test_every_module_has_its_floor",
        ),
        "config-flow": (
            "tests/test_config_flow.py::test_user",
            "tests/test_translations.py::test_every_field_is_described",
        ),
        "config-flow-test-coverage": (
            "script/test: --fail-under=100",
            "tests/test_config_flow.py::test_user_frigate_fails",
            "tests/test_first_steps.py::test_first_destination",
        ),
        "dependency-transparency": (
            "tests/test_house.py::test_libraries",
            "tests/test_repository.py::test_manifest_requirements_meet_home_assistants_own",
        ),
        "docs-actions": (
            "docs/actions.md#summary",
            "tests/test_quality_scale.py::test_what_automations_use_is_explained",
        ),
        "docs-conditions": (
            "docs/automations.md#triggers-and-conditions",
            "tests/test_quality_scale.py::test_what_automations_use_is_explained",
        ),
        "docs-high-level-description": ("README.md#frigate-snap-sync",),
        "docs-installation-instructions": (
            "README.md#what-you-need",
            "README.md#install",
        ),
        "docs-removal-instructions": ("README.md#remove",),
        "docs-triggers": (
            "docs/automations.md#triggers-and-conditions",
            "tests/test_quality_scale.py::test_what_automations_use_is_explained",
        ),
        "entity-event-setup": (
            "tests/test_event.py::test_nothing_is_told_after_the_end",
            "tests/test_init.py::test_unload_and_load",
        ),
        "entity-unique-id": ("tests/test_entities.py::test_platform",),
        "has-entity-name": ("tests/test_entities.py::test_names",),
        "runtime-data": (
            "tests/test_quality_scale.py::test_what_files_show",
            "tests/test_init.py::test_unload_and_load",
        ),
        "test-before-configure": (
            "tests/test_config_flow.py::test_user_frigate_fails",
            "tests/test_local_flow.py::test_user_test_fails",
            "tests/test_sftp_flow.py::test_user_test_fails",
            "tests/test_webdav_flow.py::test_a_refused_test",
            "tests/test_s3_flow.py::test_mistakes",
        ),
        "test-before-setup": (
            "tests/test_init.py::test_no_mqtt",
            "tests/test_init.py::test_no_ledger",
        ),
        "unique-config-entry": (
            "tests/test_config_flow.py::test_user_twice",
            "tests/test_local_flow.py::test_user_twice",
        ),
    },
    "silver": {
        "action-exceptions": (
            "tests/test_services.py::test_bad_input",
            "tests/test_services.py::test_failure",
        ),
        "config-entry-unloading": ("tests/test_init.py::test_unload_and_load",),
        "docs-configuration-parameters": (
            "docs/settings.md#options",
            "tests/test_translations.py::test_readme_and_docs_name_what_a_user_sees",
        ),
        "docs-installation-parameters": (
            "docs/settings.md#one-frigate",
            "docs/settings.md#destinations",
            "tests/test_translations.py::test_readme_and_docs_name_what_a_user_sees",
        ),
        "entity-unavailable": (
            "tests/test_entities.py::test_frigate_away",
            "tests/test_entities.py::test_destination_away",
        ),
        "integration-owner": ("tests/test_repository.py::test_manifest_values",),
        "log-when-unavailable": (
            "tests/sync/test_frigate_outages.py::test_frigate_away_is_told_once",
        ),
        "parallel-updates": ("tests/test_quality_scale.py::test_what_files_show",),
        "reauthentication-flow": ("tests/test_reconfigure_flow.py::test_reauth",),
        "test-coverage": ("script/test: --fail-under=95",),
    },
    "gold": {
        "devices": ("tests/test_entities.py::test_devices",),
        "diagnostics": ("tests/test_diagnostics.py::test_diagnostics",),
        "discovery": ("tests/test_first_steps.py::test_discovered",),
        "discovery-update-info": (),
        "docs-data-update": ("docs/entities.md#where-the-data-come-from",),
        "docs-examples": (
            "docs/automations.md#blueprints",
            "tests/test_blueprints.py::test_the_manual_has_them_all",
        ),
        "docs-known-limitations": ("docs/troubleshooting.md#intended-limits",),
        "docs-supported-devices": (
            "docs/faq.md#what-is-it-tested-with",
            "tests/test_docs.py::test_versions_of_frigate_that_are_tested",
        ),
        "docs-supported-functions": (
            "docs/entities.md#the-frigate",
            "tests/test_translations.py::test_readme_and_docs_name_what_a_user_sees",
        ),
        "docs-troubleshooting": ("docs/troubleshooting.md#what-you-see-and-why",),
        "docs-use-cases": ("README.md#what-it-is-for",),
        "dynamic-devices": ("tests/test_entities.py::test_camera_comes_and_goes",),
        "entity-category": (
            "tests/test_entities.py::test_platform",
            "tests/test_entities.py::test_nothing_switches_the_evidence_off_by_the_way",
        ),
        "entity-device-class": ("tests/test_entities.py::test_platform",),
        "entity-disabled-by-default": (
            "tests/test_entities.py::test_disabled_by_default",
        ),
        "entity-translations": ("tests/test_translations.py::test_entities_are_named",),
        "exception-translations": ("tests/test_translations.py::test_exceptions",),
        "icon-translations": ("tests/test_translations.py::test_entities_have_icons",),
        "reconfiguration-flow": (
            "tests/test_reconfigure_flow.py::test_reconfigure",
            "tests/test_sftp_reconfigure_flow.py::test_reconfigure_keeps_secrets",
        ),
        "repair-issues": (
            "tests/test_repairs.py::test_of_a_destination",
            "tests/test_repairs.py::test_every_issue_of_a_frigate_is_tested",
        ),
        "stale-devices": (
            "tests/test_removal.py::test_camera_gone_while_away",
            "tests/test_removal.py::test_delete_devices",
        ),
    },
    "platinum": {
        "async-dependency": (
            "tests/test_house.py::test_libraries",
            "tests/storage/test_event_loop.py::test_nothing_blocks",
        ),
        "inject-websession": (
            "tests/test_house.py::test_sessions_are_home_assistants",
        ),
        "strict-typing": (
            "tests/test_quality_scale.py::test_what_files_show",
            "script/lint: mypy",
        ),
    },
}
