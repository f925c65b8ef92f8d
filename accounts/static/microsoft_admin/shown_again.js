// The address of a refusal holds a code and a state that are used up: a reload would only say so.
'use strict';
{
    const {reload} = document.querySelector('[data-reload]').dataset;
    history.replaceState(history.state, '', reload);
}
