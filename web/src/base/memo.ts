import { Component, createElement, type ComponentChildren, type ComponentType } from 'preact';

const differ = (left: object, right: object): boolean => {
  const [before, after] = [left as Record<string, unknown>, right as Record<string, unknown>];
  return Object.keys({ ...before, ...after }).some((name) => !Object.is(before[name], after[name]));
};

// Renders again only for other properties, or by its own state.
export function memo<Properties extends object>(view: ComponentType<Properties>): ComponentType<Properties> {
  return class Memo extends Component<Properties> {
    override shouldComponentUpdate(next: Properties) {
      return differ(this.props, next);
    }
    override render(): ComponentChildren {
      return createElement(view, this.props);
    }
  };
}
