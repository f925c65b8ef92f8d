// Beside each time in the site's zone: the reader's own, where the two differ.
'use strict';
{
    const locale = document.documentElement.lang || undefined;
    const clock = new Intl.DateTimeFormat(locale, {hour: '2-digit', minute: '2-digit', timeZoneName: 'short'});
    const weekday = new Intl.DateTimeFormat(locale, {weekday: 'short'});

    function siteOffset(iso) {
        const [, sign, hours, minutes] = /([+-])(\d\d):(\d\d)$/.exec(iso) || [];
        return sign ? Number(`${sign}1`) * (Number(hours) * 60 + Number(minutes)) : 0;
    }

    function own(moment, isSameDay) {
        return isSameDay ? clock.format(moment) : `${weekday.format(moment)} ${clock.format(moment)}`;
    }

    for (const element of document.querySelectorAll('time[datetime]')) {
        const moment = new Date(element.dateTime);
        const offset = siteOffset(element.dateTime);
        if (!Number.isNaN(moment.getTime()) && -moment.getTimezoneOffset() !== offset) {
            const there = new Date(moment.getTime() + offset * 60000);
            const beside = document.createElement('small');
            beside.className = 'staff-own-time';
            beside.textContent = own(moment, there.getUTCDate() === moment.getDate());
            element.append(' ', beside);
        }
    }
}
