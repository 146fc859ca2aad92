/** Bodies that Swagger UI offers for saving a dashboard; one after the other they all succeed. */
export const dashboardExamples = {
  first: {
    summary: 'Two widgets side by side, the second one with settings',
    value: {
      layout: [
        { id: 'seats', widget: 'seats-used', x: 0, y: 0, w: 3, h: 2 },
        { id: 'news', widget: 'recent-activity', x: 3, y: 0, w: 9, h: 4, settings: { rows: 20 } },
      ],
      theme: 'dark',
    },
  },
  empty: { summary: 'Nothing on it', value: { layout: [], theme: 'system' } },
};
