import { memo } from '../base/memo';
import { parseText, type Block, type Inline } from './parse';

// Shows a post's text. Each block is isolated in direction, so that it cannot reorder what stands around it.
export const RichText = memo(function RichText({ text }: { text: string }) {
  return (
    <div className="rich-text" dir="auto">
      {parseText(text).map((block, index) => <BlockView key={index} block={block} />)}
    </div>
  );
});

function BlockView({ block }: { block: Block }) {
  if (block.kind === 'paragraph') return <p><Inlines nodes={block.children} /></p>;
  const items = block.items.map((item, index) => <li key={index}><Inlines nodes={item} /></li>);
  return block.ordered ? <ol start={block.start}>{items}</ol> : <ul>{items}</ul>;
}

function Inlines({ nodes }: { nodes: Inline[] }) {
  return <>{nodes.map((node, index) => <InlineView key={index} node={node} />)}</>;
}

function InlineView({ node }: { node: Inline }) {
  switch (node.kind) {
    case 'text':
      return <>{node.text}</>;
    case 'break':
      return <br />;
    case 'code':
      return <code>{node.text}</code>;
    case 'bold':
      return <strong><Inlines nodes={node.children} /></strong>;
    case 'italic':
      return <em><Inlines nodes={node.children} /></em>;
    case 'link':
      return <a href={node.address} target="_blank" rel="noopener noreferrer nofollow"><bdi><Inlines nodes={node.children} /></bdi></a>;
  }
}
