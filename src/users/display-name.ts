export { IsDisplayName } from '../kernel/display-name.js';
