import type { ReactNode } from 'react';
import { Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';

// A question that must be answered before anything else. Escape and a press beside it mean "no".
export function Ask({ title, open, onClose, size = 'small', children }: { title: string; open: boolean; onClose: () => void; size?: 'small' | 'large'; children: ReactNode }) {
  return (
    <ModalOverlay className="overlay" isOpen={open} onOpenChange={(isOpen) => !isOpen && onClose()} isDismissable>
      <Modal className={`modal modal-${size}`}>
        <Dialog className="dialog">
          <Heading slot="title" className="dialog-title">{title}</Heading>
          {children}
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
