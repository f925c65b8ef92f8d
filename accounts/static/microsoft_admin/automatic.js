// SIGN_IN_AUTOMATICALLY: presses the button, save for someone who came back to this page.
'use strict';
{
    const [visit] = performance.getEntriesByType('navigation');
    if (!visit || visit.type === 'navigate') {
        document.querySelector('form[data-automatic]').requestSubmit();
    }
}
