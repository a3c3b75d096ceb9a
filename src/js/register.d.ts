/**
 * A preload: `net`, `http` and `child_process` mean Ferrowire from then on, for `require` and `import`, in the
 * application, its dependencies and its children.
 *
 * ```sh
 * node --require ferrowire/register app.js
 * ```
 */
export {}
