// A second click must not start a second sign-in. Without this script the forms still work.
'use strict';
{
    const forms = document.querySelectorAll('form[data-submit-once]');
    const STOPPED_LOADING_MS = 10000;

    function setDisabled(form, disabled) {
        for (const button of form.querySelectorAll('button[type="submit"]')) {
            button.disabled = disabled;
        }
    }

    for (const form of forms) {
        form.addEventListener('submit', () => {
            setDisabled(form, true);
            // Someone who stopped the loading, or opened it in a new tab, is still here.
            setTimeout(() => setDisabled(form, false), STOPPED_LOADING_MS);
        });
    }

    // The back button may bring the page back as it was left.
    window.addEventListener('pageshow', () => forms.forEach((form) => setDisabled(form, false)));
}
