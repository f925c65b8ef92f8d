// What a session that ends must not cost: typed text, and a warning beforehand.
//
// While someone edits, the form is kept in this tab's sessionStorage. When a page that asks to
// sign in has been in between, opening the form again brings the text back; saving it, signing
// out, or another person clears it. Nothing is ever sent: the browser's own form is filled in.
'use strict';
{
    const PREFIX = 'accounts:form:';
    const ASKED = 'accounts:asked-to-sign-in';
    const SAVE_AFTER_MS = 400;
    const WARN_MINUTES = 5;
    const script = document.currentScript;
    const {user, endsIn, idle, words} = script.dataset;
    const say = JSON.parse(words || '{}');

    function drafts() {
        return Object.keys(sessionStorage).filter((key) => key.startsWith(PREFIX));
    }

    function forget(keys) {
        keys.forEach((key) => sessionStorage.removeItem(key));
    }

    function read(key) {
        try {
            return JSON.parse(sessionStorage.getItem(key));
        } catch {
            return null;
        }
    }

    function write(key, draft) {
        try {
            sessionStorage.setItem(key, JSON.stringify(draft));
        } catch {
            // The tab's storage is full: the form itself is still there.
        }
    }

    function isKept(field) {
        const never = ['hidden', 'password', 'file', 'submit', 'button', 'reset', 'image'];
        const may = !field.disabled && !field.readOnly && !('secret' in field.dataset);
        return field.name && may && !never.includes(field.type);
    }

    function valueOf(field) {
        if (field.type === 'checkbox' || field.type === 'radio') {
            return field.checked;
        }
        return field.multiple ? [...field.options].map((o) => [o.value, o.text, o.selected]) : field.value;
    }

    function fill(field, value) {
        if (field.type === 'checkbox' || field.type === 'radio') {
            field.checked = value;
        } else if (field.multiple) {
            field.replaceChildren(...value.map(([key, text, on]) => new Option(text, key, on, on)));
        } else {
            field.value = value;
        }
        field.dispatchEvent(new Event('change', {bubbles: true}));
    }

    function fieldsOf(form) {
        const count = {};
        return [...form.elements].filter(isKept).map((field) => {
            count[field.name] = (count[field.name] || 0) + 1;
            return [`${field.name}#${count[field.name]}`, field];
        });
    }

    function notice(text, buttons) {
        const box = document.createElement('div');
        box.className = 'session-notice';
        box.setAttribute('role', 'status');
        box.append(Object.assign(document.createElement('p'), {textContent: text}));
        buttons.forEach((button) => box.append(' ', button));
        (document.querySelector('#content') || document.body).prepend(box);
        return box;
    }

    function button(text, act) {
        const made = Object.assign(document.createElement('button'), {type: 'button', textContent: text});
        made.className = 'button';
        made.addEventListener('click', act);
        return made;
    }

    function keep(form, key) {
        let timer;
        let asLoaded = true;
        let signingOut = false;
        const save = (sent) => {
            if (signingOut || (asLoaded && !sent)) {
                return;
            }
            const fields = fieldsOf(form).map(([name, field]) => [name, valueOf(field)]);
            write(key, {user, sent, fields});
        };
        const soon = () => {
            asLoaded = false;
            clearTimeout(timer);
            timer = setTimeout(() => save(false), SAVE_AFTER_MS);
        };
        form.addEventListener('input', soon);
        form.addEventListener('change', soon);
        form.addEventListener('submit', () => {
            clearTimeout(timer);
            // Admin's own scripts fill hidden selects at this moment.
            setTimeout(() => save(true), 0);
        });
        document.querySelector('#logout-form')?.addEventListener('submit', () => {
            signingOut = true;
            forget(drafts());
        });
        window.addEventListener('pagehide', () => {
            clearTimeout(timer);
            if (!(read(key) || {}).sent) {
                save(false);
            }
        });
    }

    // Rows that were added to an inline have fields that a fresh page has not: add them again.
    function addRows(form, kept) {
        form.querySelectorAll('[id$="-group"]').forEach((group) => {
            const prefix = group.id.slice(0, -'-group'.length);
            const rows = [...kept.keys()]
                .map((name) => name.startsWith(`${prefix}-`) ? parseInt(name.slice(prefix.length + 1), 10) : NaN)
                .filter((number) => !isNaN(number));
            const total = form.elements[`${prefix}-TOTAL_FORMS`];
            for (let more = Math.max(-1, ...rows) + 1 - Number(total?.value); more > 0; more--) {
                group.querySelector('.add-row a, .add-row button')?.click();
            }
        });
    }

    function bringBack(form, key, draft) {
        const kept = new Map(draft.fields);
        addRows(form, kept);
        for (const [name, field] of fieldsOf(form)) {
            if (kept.has(name) && JSON.stringify(kept.get(name)) !== JSON.stringify(valueOf(field))) {
                fill(field, kept.get(name));
            }
        }
        const box = notice(say.back, [button(say.discard, () => {
            forget([key]);
            location.reload();
        })]);
        box.dataset.formIsBack = '';
    }

    function onAdminPage() {
        const asked = sessionStorage.getItem(ASKED) !== null;
        const key = PREFIX + location.pathname;
        const answered = document.querySelector('.messagelist .success, .errornote') !== null;
        forget(drafts().filter((name) => {
            const draft = read(name);
            return !draft || draft.user !== user || (draft.sent && answered);
        }));
        const form = document.querySelector('#content-main form[method="post"], #content form[method="post"]');
        if (form === null || form.id === 'changelist-form') {
            return;
        }
        const draft = read(key);
        if (draft && asked && !answered) {
            // After Django's own scripts, which make an inline's Add link when jQuery is ready.
            const ready = window.django?.jQuery ?? ((act) => act());
            ready(() => bringBack(form, key, draft));
        } else {
            forget([key]);
        }
        sessionStorage.removeItem(ASKED);
        keep(form, key);
    }

    function stay(box) {
        fetch(say.stayUrl, {credentials: 'same-origin', cache: 'no-store'}).then((answer) => {
            if (answer.ok) {
                box.remove();
                warnOfIdleness();
            }
        });
    }

    function newTab() {
        const link = Object.assign(document.createElement('a'), {
            href: say.signInUrl, target: '_blank', rel: 'noopener', textContent: say.signIn, className: 'button',
        });
        return link;
    }

    function after(minutes, act) {
        const longest = 2 ** 31 - 1; // of setTimeout
        const wait = Math.max(0, minutes) * 60000;
        if (wait < longest) {
            setTimeout(act, wait);
        }
    }

    function warnOfIdleness() {
        if (Number(idle) > 0) {
            after(Number(idle) - Math.min(WARN_MINUTES, Number(idle) / 2), () => {
                const box = notice(say.idle, [button(say.stay, () => stay(box))]);
            });
        }
    }

    function warnOfTheEnd() {
        const minutes = Number(endsIn) / 60;
        if (endsIn !== undefined && minutes > 0) {
            after(minutes - WARN_MINUTES, () => notice(say.ends, [newTab()]));
        }
    }

    document.addEventListener('DOMContentLoaded', () => {
        if (script.dataset.page === 'signed-out') {
            forget(drafts());
        } else if (user) {
            onAdminPage();
            warnOfIdleness();
            warnOfTheEnd();
        } else {
            sessionStorage.setItem(ASKED, '1');
        }
    });
}
