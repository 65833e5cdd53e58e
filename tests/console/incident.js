// An incident's document as the API serves it in lists; `fields` replace or add.

export function makeIncident(number = 1, fields = {}) {
  const seconds = String(number).padStart(2, "0");
  return {
    id: `5c09e00000000000-${number.toString(16).padStart(16, "0")}`,
    status: "open",
    severity: "high",
    service: "checkout",
    title: `payment failed ${number}`,
    createdAt: `2030-03-17T17:46:${seconds}.000Z`,
    revision: 1,
    kind: "fault",
    alertsTotal: 1,
    ticketed: false,
    noTicket: "It waits.",
    platforms: [],
    tickets: [],
    actions: [
      { name: "acknowledge", leadsTo: "acknowledged", needs: null },
      { name: "resolve", leadsTo: "resolved", needs: null },
      { name: "comment", leadsTo: null, needs: "text" },
      { name: "forward", leadsTo: null, needs: "platform" },
    ],
    ...fields,
  };
}

export const titles = (incidents) => incidents.map((incident) => incident.title.split(" ").at(-1));
