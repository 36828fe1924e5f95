// A card host sends people back with a ticket behind the "#", for the card's page alone. On whichever page they land, it
// leaves the address at once: nobody must be talked into handing that address on.
{
  const found = /^#ticket=(.*)$/.exec(window.location.hash);
  if (found) {
    window.history.replaceState(null, "", window.location.pathname + window.location.search);
    if (/^[\w-]+$/.test(found[1])) window.cardTicket = found[1]; // for card.js
  }
}
