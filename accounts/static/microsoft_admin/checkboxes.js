// "+" beside a list of checkboxes: what was added in the popup stands in the list, ticked.
'use strict';
{
    function add(list, value, label) {
        const row = document.createElement('div');
        const box = document.createElement('input');
        const text = document.createElement('label');
        box.type = 'checkbox';
        box.name = list.id.replace(/^id_/, '');
        box.value = value;
        box.id = `${list.id}_new_${value}`;
        box.checked = true;
        text.htmlFor = box.id;
        text.append(box, ` ${label}`);
        row.append(text);
        list.append(row);
        box.focus();
    }

    window.addEventListener('load', () => {
        const djangos = window.dismissAddRelatedObjectPopup;
        window.dismissAddRelatedObjectPopup = (popup, value, label) => {
            const list = document.getElementById(popup.name.replace(/__\d+$/, ''));
            if (list && list.classList.contains('staff-right')) {
                add(list, value, label);
            }
            djangos(popup, value, label);
        };
    });
}
